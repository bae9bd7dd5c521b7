"""Drivers that are to be up before a job asks: which host keeps how many, said only when a host says otherwise.

A host tells in its state what it was asked to keep, so that nothing of this need be remembered or repeated.
"""

from collections.abc import Iterator

from mist_domain.facts.hosts import Prepared
from mist_domain.facts.registry import Context, Mode, context_hash
from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.scheduling.cluster import Cluster
from mist_domain.scheduling.host_view import HostView

ASK_AGAIN_MS = 5_000

Key = tuple[str, Mode]
"""A context, and the mode of the drivers that are kept for it."""


def preparations(cluster: Cluster) -> list[PrepareWorkerRequest]:
    """What to ask of hosts now; called when a tick was read. At most one request per host and key is under way."""
    hosts = {host.host_id: host for host in cluster.hosts.values() if host.assignable}
    wanted = {key: (context, count) for context in cluster.prepared_contexts() for key, count in wants(context)}
    keepers = {key: keeper for key, (context, _) in wanted.items() if (keeper := _keeper(cluster, hosts, key, context))}
    asked = [
        *_missing(hosts, wanted, keepers),
        *_unwanted(hosts, keepers),
    ]
    return [request for request in asked if cluster.may_ask(request, ASK_AGAIN_MS)]


def wants(context: Context) -> Iterator[tuple[Key, int]]:
    """How many drivers of each mode the context wants kept."""
    if context.precreated and context.worker_mode == "shared":
        yield (context.name, "shared"), 1
    if context.spares:
        yield (context.name, "exclusive"), context.spares


def _keeper(cluster: Cluster, hosts: dict[str, HostView], key: Key, context: Context) -> str | None:
    """Who keeps them already; else the home of the context's shared driver; else who has most room."""
    load = cluster.load(context.name)
    if load.failures.broken:
        return None
    keeping = [host_id for host_id, host in hosts.items() if _told(host, key) is not None]
    if keeping:
        return min(keeping)
    home = cluster.home(load)
    if key[1] == "shared" and home is not None and home.host_id in hosts:
        return home.host_id
    return min(hosts, key=lambda host_id: (-_places(hosts[host_id]), host_id), default=None)


def _places(host: HostView) -> int:
    return 0 if host.state is None else host.state.max_workers - len(host.state.workers)


def _told(host: HostView, key: Key) -> Prepared | None:
    told = () if host.state is None else host.state.prepared
    return next((one for one in told if (one.context, one.mode) == key), None)


def _missing(
    hosts: dict[str, HostView], wanted: dict[Key, tuple[Context, int]], keepers: dict[Key, str]
) -> Iterator[PrepareWorkerRequest]:
    for key, host_id in keepers.items():
        context, count = wanted[key]
        told = _told(hosts[host_id], key)
        if told is None or (told.count, told.settings) != (count, context_hash(context)):
            yield PrepareWorkerRequest(host_id=host_id, context=context, mode=key[1], count=count)


def _unwanted(hosts: dict[str, HostView], keepers: dict[Key, str]) -> Iterator[PrepareWorkerRequest]:
    for host_id, host in hosts.items():
        for told in () if host.state is None else host.state.prepared:
            key: Key = (told.context, told.mode)
            if keepers.get(key) != host_id:
                context = Context(name=told.context)
                yield PrepareWorkerRequest(host_id=host_id, context=context, mode=told.mode, count=0)
