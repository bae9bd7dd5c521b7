"""Drivers that are to be up before a job asks: which host keeps how many, asked only when a host says otherwise.

A host says in its state what it was asked to keep, so that nothing of this need be remembered by schedulers.
"""

from collections.abc import Iterator, Mapping

from mist_domain.facts.registry import Context, Mode, context_hash
from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.scheduling.cluster import Cluster
from mist_domain.scheduling.host_view import HostView

ASK_AGAIN_MS = 5_000

Key = tuple[str, Mode]
"""A context, and the mode of the drivers that are kept for it."""
Views = Mapping[str, HostView]
"""Host id → a host that may be given work."""


def preparations(cluster: Cluster) -> list[PrepareWorkerRequest]:
    """The requests to send to hosts when a tick was read: at most one per host and key within `ASK_AGAIN_MS`."""
    views = {host.host_id: host for host in cluster.hosts.views.values() if host.assignable}
    wanted = {key: (context, count) for context in cluster.prepared.values() for key, count in wants(context)}
    keepers = {key: keeper for key, (context, _) in wanted.items() if (keeper := _keeper(cluster, views, key, context))}
    requests = [*_missing(views, wanted, keepers), *_unwanted(views, keepers)]
    return [request for request in requests if cluster.hosts.may_ask(request, cluster.now, ASK_AGAIN_MS)]


def wants(context: Context) -> Iterator[tuple[Key, int]]:
    """Count the drivers of each mode that the context wants ready."""
    if context.precreated and context.worker_mode == "shared":
        yield (context.name, "shared"), 1
    if context.spares:
        yield (context.name, "exclusive"), context.spares


def _keeper(cluster: Cluster, views: Views, key: Key, context: Context) -> str | None:
    """The host that keeps them already; else the home of the context's shared driver; else the one with most room."""
    load = cluster.queues.find(context.name)
    if load.failures.is_broken:
        return None
    keeping = [host_id for host_id, host in views.items() if host.find_prepared(*key) is not None]
    if keeping:
        return min(keeping)
    home = cluster.home(load.name, load.home)
    if key[1] == "shared" and home is not None and home.host_id in views:
        return home.host_id
    return min(views, key=lambda host_id: (-_free_places(views[host_id]), host_id), default=None)


def _free_places(host: HostView) -> int:
    return 0 if host.state is None else host.state.max_workers - len(host.state.workers)


def _missing(
    views: Views, wanted: Mapping[Key, tuple[Context, int]], keepers: Mapping[Key, str]
) -> Iterator[PrepareWorkerRequest]:
    for key, host_id in keepers.items():
        context, count = wanted[key]
        kept = views[host_id].find_prepared(*key)
        if kept is None or (kept.count, kept.settings) != (count, context_hash(context)):
            yield PrepareWorkerRequest(host_id=host_id, context=context, mode=key[1], count=count)


def _unwanted(views: Views, keepers: Mapping[Key, str]) -> Iterator[PrepareWorkerRequest]:
    for host_id, host in views.items():
        for kept in host.prepared:
            if keepers.get((kept.context, kept.mode)) != host_id:
                context = Context(name=kept.context)
                yield PrepareWorkerRequest(host_id=host_id, context=context, mode=kept.mode, count=0)
