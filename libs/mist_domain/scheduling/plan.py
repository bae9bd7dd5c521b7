"""The scheduler's own decisions: assign what waits, end what is overdue, give up what is lost. Reads, changes nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mist_domain.facts.job_events import JobAssigned, JobAttemptLost, JobCancelRequested, JobEvent, JobFailed
from mist_domain.job import Job, Status
from mist_domain.scheduling.cluster import Cluster
from mist_domain.scheduling.deadlines import deadline_of
from mist_domain.scheduling.decide import after_initialized
from mist_domain.scheduling.host_view import (
    LOST_TICKS,
    LOST_UNSTARTED_TICKS,
    NOTHING_GIVEN,
    Given,
    HostView,
    worker_key,
)
from mist_domain.scheduling.jobs import Decision
from mist_domain.scheduling.queues import ContextLoad


def plan(cluster: Cluster, arrivals: Sequence[Decision] = (), *, ticked: bool) -> list[Decision]:
    """The decisions to append now, at most one for each job.

    `arrivals` are decisions of this very step, applied already: their new jobs may be assigned at once. Losses and
    time-outs are looked for when a tick was read (`ticked`).
    """
    planned = _Planned(cluster, {decision.job_id for decision in arrivals})
    decisions = list(_due(planned, ticked=ticked))
    decisions += (Decision(event.job_id, (event,)) for event in _dispatch(planned))
    return decisions


def joined(arrivals: Iterable[Decision], planned: Iterable[Decision]) -> list[Decision]:
    """All decisions of a step: what was planned for an arrival is appended together with it."""
    decisions: dict[str, Decision] = {}
    for decision in (*arrivals, *planned):
        before = decisions.get(decision.job_id)
        whole = Decision(decision.job_id, (*before.events, *decision.events)) if before else decision
        decisions[decision.job_id] = whole
    return list(decisions.values())


@dataclass(slots=True, eq=False)
class _Planned:
    """The cluster, and what this plan has given out of it so far; `arrivals` and `decided` are job ids.

    By context: `active` counts jobs, `homes` are the hosts of shared drivers. By host: `given` is the room given away.
    """

    cluster: Cluster
    arrivals: set[str]
    decided: set[str] = field(default_factory=set)
    active: dict[str, int] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)

    def is_deciding(self, job_id: str) -> bool:
        return job_id in self.decided or self.cluster.jobs.is_deciding(job_id)

    def give(self, job: Job, host: HostView) -> None:
        context, key = job.request.context.name, worker_key(job)
        self.active[context] = self.active.get(context, 0) + 1
        given = self.given.setdefault(host.host_id, Given())
        given.attempts += 1
        if key not in host.workers:
            given.workers.add(key)
        if job.request.mode == "shared":
            self.homes[context] = host.host_id


# -- what waits --------------------------------------------------------------------------------------------------------


def _dispatch(planned: _Planned) -> Iterator[JobAssigned | JobFailed]:
    """Round-robin between contexts, one job each, until a whole round gives nothing."""
    queues = planned.cluster.queues
    asking = [(load, _line(planned, load)) for load in map(queues.contexts.__getitem__, queues.ring)]
    while asking:
        given = [(load, line, _dispatch_next(planned, load, line)) for load, line in asking]
        yield from (event for _, _, event in given if event is not None)
        asking = [(load, line) for load, line, event in given if event is not None]


def _line(planned: _Planned, load: ContextLoad) -> Iterator[Job]:
    """The jobs of a queue that may be assigned now, in order.

    A job whose `queued` is still on its way holds the queue, so that nobody overtakes it.
    """
    jobs = planned.cluster.jobs
    for job_id in load.in_order():
        job = jobs.in_line(job_id)
        if job is None or job_id in planned.decided:
            continue
        if job_id in jobs.unread and job_id not in planned.arrivals:
            return
        yield job


def _dispatch_next(planned: _Planned, load: ContextLoad, line: Iterator[Job]) -> JobAssigned | JobFailed | None:
    """The first of the context's queue goes to a host; if the context is broken it ends instead."""
    job = next(line, None)
    if job is None:
        return None
    event = _fail_broken(planned, load, job) if load.failures.is_broken else _assign(planned, load, job)
    if event is not None:
        planned.decided.add(job.job_id)
    return event


def _fail_broken(planned: _Planned, load: ContextLoad, job: Job) -> JobFailed:
    error = load.failures.sentence(load.name)
    return JobFailed(job_id=job.job_id, writer=planned.cluster.scheduler_id, version=job.version, error=error)


def _assign(planned: _Planned, load: ContextLoad, job: Job) -> JobAssigned | None:
    host = _choose_host(planned, load, job)
    if host is None:
        return None
    planned.give(job, host)
    return JobAssigned(
        job_id=job.job_id,
        writer=planned.cluster.scheduler_id,
        version=job.version,
        attempt=job.attempt,
        host_id=host.host_id,
    )


def _choose_host(planned: _Planned, load: ContextLoad, job: Job) -> HostView | None:
    """A shared job goes where its context lives; any other to the least loaded host with room."""
    cluster, given = planned.cluster, planned.given
    if len(load.active) + planned.active.get(load.name, 0) >= cluster.context_of(job).max_jobs:
        return None
    if job.request.mode == "shared":
        home = cluster.home(load.name, planned.homes.get(load.name, load.home))
        if home is not None:
            return home if home.has_room(job, given.get(home.host_id, NOTHING_GIVEN)) else None
    views = cluster.hosts.views.values()
    fitting = [host for host in views if host.has_room(job, given.get(host.host_id, NOTHING_GIVEN))]
    return min(fitting, key=lambda host: _order(planned, host, job), default=None)


def _order(planned: _Planned, host: HostView, job: Job) -> tuple[bool, int, int, str]:
    """An exclusive job first goes where a spare waits for it."""
    spare = job.request.mode == "exclusive" and host.has_spare(job.request.context.name)
    given = planned.given.get(host.host_id, NOTHING_GIVEN)
    return not spare, len(host.workers) + len(given.workers), len(host.placed) + given.attempts, host.host_id


# -- what is due -------------------------------------------------------------------------------------------------------


def _due(planned: _Planned, *, ticked: bool) -> Iterator[Decision]:
    """Decisions for jobs that do not wait for a host; one for each job at most."""
    for job, event in _due_events(planned, ticked=ticked):
        planned.decided.add(job.job_id)
        yield Decision(job.job_id, (event,))


def _due_events(planned: _Planned, *, ticked: bool) -> Iterator[tuple[Job, JobEvent]]:
    cluster = planned.cluster
    for job in _free(planned, cluster.unqueued):
        yield job, after_initialized(cluster, job.request)
    if not ticked:
        return
    for host in cluster.hosts.views.values():
        for job in _free(planned, host.placed):
            reason = _why_lost(host, job)
            if reason is not None:
                yield job, _attempt_lost(cluster, job, reason)
    for job in _free(planned, cluster.deadlines.passed):
        event = _end_overdue(cluster, job)
        if event is not None:
            yield job, event


def _free(planned: _Planned, job_ids: Iterable[str]) -> Iterator[Job]:
    """Select the jobs that have nothing in flight and nothing planned."""
    for job_id in job_ids:
        job = planned.cluster.jobs.open.get(job_id)
        if job is not None and not planned.is_deciding(job_id):
            yield job


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


def _end_overdue(cluster: Cluster, job: Job) -> JobEvent | None:
    deadline, writer = deadline_of(job), cluster.scheduler_id
    if deadline is None or deadline > cluster.now:
        return None
    if job.status is Status.QUEUED:
        error = f"start timeout: it waited in the queue for more than {job.request.start_timeout} ms"
        return JobFailed(job_id=job.job_id, writer=writer, version=job.version, error=error)
    reason = f"perform timeout: it ran for more than {job.request.perform_timeout} ms"
    return JobCancelRequested(job_id=job.job_id, writer=writer, requested_by="perform timeout", reason=reason)
