"""What the cluster needs next: assign what waits, end what is overdue, give up what is lost. Decides, appends nothing."""

import heapq
from collections.abc import Iterator, Sequence

from mist_domain.facts.job_events import JobAssigned, JobAttemptLost, JobCancelRequested, JobEvent, JobFailed
from mist_domain.job import Job, Status
from mist_domain.scheduling.cluster import Cluster, Decision
from mist_domain.scheduling.context_load import ContextLoad
from mist_domain.scheduling.decide import after_initialized
from mist_domain.scheduling.host_view import LOST_TICKS, LOST_UNSTARTED_TICKS, HostView


def plan(cluster: Cluster, arrivals: Sequence[Decision] = ()) -> list[Decision]:
    """The decisions to append now, `arrivals` (this step's decisions, already begun) first and perhaps extended."""
    decisions = {decision.job_id: decision for decision in arrivals}
    for decision in _due(cluster):
        cluster.begin(decision)  # before the next is looked for: one decision in flight per job
        decisions[decision.job_id] = decision
    for event in _dispatch(cluster):
        so_far = decisions.get(event.job_id)
        decisions[event.job_id] = Decision(event.job_id, (*(so_far.events if so_far else ()), event))
    cluster.close_step()
    return list(decisions.values())


def _due(cluster: Cluster) -> Iterator[Decision]:
    yield from _unqueued(cluster)
    if cluster.ticked:
        yield from _losses(cluster)
        yield from _overdue(cluster)


def _dispatch(cluster: Cluster) -> Iterator[JobAssigned | JobFailed]:
    """Round-robin between contexts, one job each, until a whole round gives nothing."""
    asking = list(cluster.ring)
    while asking:
        given = {name: _dispatch_one(cluster, cluster.load(name)) for name in asking}
        yield from (event for event in given.values() if event is not None)
        asking = [name for name, event in given.items() if event is not None]


def _dispatch_one(cluster: Cluster, load: ContextLoad) -> JobAssigned | JobFailed | None:
    """The first of the context's queue goes to a host; if the context is broken it ends instead."""
    job = cluster.head(load)
    if job is None:
        if not load.heap:
            cluster.ring.pop(load.name, None)
        return None
    event = _fail_broken(cluster, load, job) if load.failures.broken else _assign(cluster, load, job)
    if event is None:
        return None
    heapq.heappop(load.heap)
    cluster.rotate(load.name)
    if cluster.is_open(job.job_id):
        cluster.extend(job, event)
    else:
        cluster.begin(Decision(job.job_id, (event,)))
    return event


def _fail_broken(cluster: Cluster, load: ContextLoad, job: Job) -> JobFailed:
    error = load.failures.sentence(load.name)
    return JobFailed(job_id=job.job_id, writer=cluster.scheduler_id, version=job.version, error=error)


def _assign(cluster: Cluster, load: ContextLoad, job: Job) -> JobAssigned | None:
    host = _choose_host(cluster, load, job)
    if host is None:
        return None
    return JobAssigned(
        job_id=job.job_id,
        writer=cluster.scheduler_id,
        version=job.version,
        attempt=job.attempt,
        host_id=host.host_id,
    )


def _choose_host(cluster: Cluster, load: ContextLoad, job: Job) -> HostView | None:
    """A shared job goes where its context lives; any other to the least loaded host with room."""
    if len(load.active) >= cluster.context_of(job).max_jobs:
        return None
    if job.request.mode == "shared":
        home = cluster.home(load)
        if home is not None:
            return home if home.has_room(job) else None
    fitting = [host for host in cluster.hosts.values() if host.has_room(job)]
    return min(fitting, key=lambda host: _order(host, job), default=None)


def _order(host: HostView, job: Job) -> tuple[bool, int, int, str]:
    """An exclusive job first goes where a spare waits for it."""
    spare = job.request.mode == "exclusive" and host.has_spare(job.request.context.name)
    return not spare, len(host.workers), len(host.placed), host.host_id


def _unqueued(cluster: Cluster) -> Iterator[Decision]:
    """Jobs that whoever initialized them got no further with."""
    for job_id in list(cluster.unqueued):
        job = cluster.jobs[job_id]
        if not cluster.is_deciding(job_id):
            yield Decision(job_id, (after_initialized(cluster, job.request),))


def _losses(cluster: Cluster) -> Iterator[Decision]:
    for host in list(cluster.hosts.values()):
        for job_id in list(host.placed):
            job = cluster.jobs.get(job_id)
            if job is None or cluster.is_deciding(job_id):
                continue
            reason = _why_lost(host, job)
            if reason is not None:
                yield Decision(job_id, (_attempt_lost(cluster, job, reason),))


def _why_lost(host: HostView, job: Job) -> str | None:
    if host.gone:
        return f"host {host.host_id} has stopped"
    if host.silent >= LOST_TICKS:
        return f"host {host.host_id} is lost: no sign of life for {host.silent} ticks"
    if job.status is Status.ASSIGNED and host.silent >= LOST_UNSTARTED_TICKS:
        return f"host {host.host_id} did not start it: no sign of life for {host.silent} ticks"
    if job.job_id in host.unlisted:
        return f"host {host.host_id} does not hold the attempt"
    return None


def _attempt_lost(cluster: Cluster, job: Job, reason: str) -> JobAttemptLost:
    return JobAttemptLost(
        job_id=job.job_id, writer=cluster.scheduler_id, version=job.version, attempt=job.attempt, reason=reason
    )


def _overdue(cluster: Cluster) -> Iterator[Decision]:
    again = []
    while cluster.deadlines and cluster.deadlines[0][0] <= cluster.now:
        due, job_id = heapq.heappop(cluster.deadlines)
        job = cluster.jobs.get(job_id)
        if job is None:
            continue
        if cluster.is_deciding(job_id):
            again.append((due, job_id))
            continue
        event = _end_overdue(cluster, job)
        if event is not None:
            yield Decision(job_id, (event,))
    for entry in again:
        heapq.heappush(cluster.deadlines, entry)


def _end_overdue(cluster: Cluster, job: Job) -> JobEvent | None:
    start, perform = job.request.start_timeout, job.request.perform_timeout
    if job.status is Status.QUEUED and start is not None and job.queued_at + start <= cluster.now:
        error = f"start timeout: it waited in the queue for more than {start} ms"
        return JobFailed(job_id=job.job_id, writer=cluster.scheduler_id, version=job.version, error=error)
    if job.status is Status.STARTED and perform is not None and job.started_at + perform <= cluster.now:
        reason = f"perform timeout: it ran for more than {perform} ms"
        return JobCancelRequested(
            job_id=job.job_id, writer=cluster.scheduler_id, requested_by="perform timeout", reason=reason
        )
    return None
