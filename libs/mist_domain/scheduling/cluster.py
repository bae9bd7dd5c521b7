"""Everything a scheduler knows: the fold of the log plus its own decisions in flight. Nothing here decides."""

from collections.abc import Iterable
from typing import NamedTuple

from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import JobAssigned, JobAttemptLost, JobEvent, JobStarted
from mist_domain.facts.registry import DEFAULT_CONTEXT, Context, ContextDefined, ContextRemoved, RegistryEvent
from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.job import Job, Status, evolve
from mist_domain.registry import Registry, fold_registry
from mist_domain.scheduling.deadlines import Deadlines
from mist_domain.scheduling.host_view import HostView
from mist_domain.scheduling.hosts import Hosts, Position
from mist_domain.scheduling.jobs import Decision, Jobs
from mist_domain.scheduling.queues import ContextLoad, Queues, retry_at


class Changes(NamedTuple):
    """The news of folded records: jobs with nothing in flight any more, time that passed, a changed registry.

    `ticked` is also true when a host has stopped or was replaced: losses are to be looked for.
    """

    settled: tuple[str, ...] = ()
    ticked: bool = False
    registry_moved: bool = False


NO_CHANGES = Changes()
_TICKED = Changes(ticked=True)
_NOTED = frozenset((JobAssigned, JobStarted, JobAttemptLost))
"""Facts that say something beyond their job."""


def merged(changes: Iterable[Changes]) -> Changes:
    """The news of several records as one, `settled` in their order."""
    settled: list[str] = []
    ticked = registry_moved = False
    for change in changes:
        if change is not NO_CHANGES:
            settled += change.settled
            ticked = ticked or change.ticked
            registry_moved = registry_moved or change.registry_moved
    return Changes(tuple(settled), ticked, registry_moved)


class Cluster:
    """Mutable, single-threaded. `now` is the append time of the last tick read, in ms.

    `unqueued` are jobs left initialized: their scheduler was killed before it appended the rest of its decision.
    """

    def __init__(self, scheduler_id: str, tick_ms: int = 1_000) -> None:
        """`tick_ms`: the least time between two ticks of one scheduler."""
        self.scheduler_id = scheduler_id
        self.now = 0
        self.registry = Registry()
        self.registry_offset = -1
        self.jobs = Jobs()
        self.queues = Queues()
        self.hosts = Hosts(pace=tick_ms * 9 // 10, counted_at=-tick_ms)
        self.deadlines = Deadlines()
        self.unqueued: dict[str, None] = {}
        self.prepared: dict[str, Context] = {}

    # -- what is known -------------------------------------------------------------------------------------------------

    def context_of(self, job: Job) -> Context:
        """The context's settings now, else those the job carries."""
        return self.registry.contexts.get(job.request.context.name, job.request.context)

    def home(self, context: str, host_id: str | None) -> HostView | None:
        """The host of the context's shared driver: `host_id` while it lives and takes work, else one that keeps it ready.

        `None` when the driver may be started anywhere.
        """
        host = None if host_id is None else self.hosts.views.get(host_id)
        if host is not None and host.keeps_home:
            return host
        if context not in self.prepared:
            return None
        keeping = (
            host for host in self.hosts.views.values() if host.assignable and host.find_prepared(context, "shared")
        )
        return min(keeping, key=lambda host: host.host_id, default=None)

    # -- folding -------------------------------------------------------------------------------------------------------

    def fold_registry(self, event: RegistryEvent, offset: int, at: int) -> Changes:
        """Fold one record of `mist.registry` (append time `at`, ms)."""
        fold_registry(self.registry, event)
        self.registry_offset = offset
        if isinstance(event, ContextDefined):
            self._note_context(event.context.name, event.context, at)
        elif isinstance(event, ContextRemoved):
            self._note_context(event.name, None, at)
        return Changes(registry_moved=True)

    def fold_job(self, event: JobEvent, at: int, partition: int, offset: int) -> Changes:
        """Fold one record of `mist.job-events` (append time `at`, ms)."""
        jobs, job_id = self.jobs, event.job_id
        is_own = event.writer == self.scheduler_id and jobs.read_back(job_id)
        if job_id in jobs.ended:
            return NO_CHANGES
        job = jobs.open.get(job_id) or Job(job_id)
        after = evolve(job, event, at)
        if after is not job:
            jobs.open[job_id] = after
            if type(event) in _NOTED:
                self._note(job, event, after, (partition, offset), at)
        elif not is_own:
            return NO_CHANGES
        if job_id in jobs.unread:
            return NO_CHANGES
        self._settle(job_id)
        return Changes((job_id,))

    def fold_host(self, record: HostState | Tick, at: int, *, live: bool) -> Changes:
        """Fold one record of `mist.hosts`; only a host whose state was read `live` is given work."""
        if isinstance(record, Tick):
            self._tick(at)
            return _TICKED
        self.hosts.fold(record, live=live, is_deciding=self.jobs.is_deciding)
        return _TICKED if record.stopped or record.replaces is not None else NO_CHANGES

    # -- what the step decided -----------------------------------------------------------------------------------------

    def apply(self, decision: Decision) -> None:
        """Put a decision in flight: hold the job back and count its capacity until it is read back."""
        job_id = decision.job_id
        is_new = job_id not in self.jobs.open and job_id not in self.jobs.ahead
        job = self.jobs.apply(decision, self.now)
        if is_new:
            if job.status is Status.QUEUED:
                self.queues.enqueue(job)
            return
        load = self.queues.load(job.request.context.name)
        if job.status is Status.ASSIGNED and job.host_id is not None:
            self._place(job, job.host_id, load)
            self.queues.rotate(load.name)
        self.queues.leave(load, job_id, self.jobs.in_line)

    def apply_preparations(self, requests: Iterable[PrepareWorkerRequest]) -> None:
        """Remember what hosts are asked now, so that they are not asked the same at each tick."""
        self.hosts.asked(requests, self.now)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _note(self, job: Job, event: JobEvent, after: Job, position: Position, at: int) -> None:
        """Record what an accepted fact says beyond its job: homes, refusals, failed drivers."""
        load = self.queues.load(after.request.context.name)
        if isinstance(event, JobAssigned):
            self.hosts.assigned_at[event.job_id] = position
            if after.request.mode == "shared":
                load.home = event.host_id
        elif isinstance(event, JobStarted):
            load.failures.clear(at)
        elif isinstance(event, JobAttemptLost) and event.version is None and job.status is Status.ASSIGNED:
            self.hosts.view(event.writer).refused.add(load.name)
            if event.failed_driver is not None:
                load.failures.add(event.failed_driver, at, event.reason)
                self._end_back_off(load)

    def _settle(self, job_id: str) -> None:
        """Bring queue, capacity and deadlines in line with the fold; nothing is in flight for the job."""
        job = self.jobs.open.get(job_id)
        if job is None:
            self.hosts.unplace(job_id)
            return
        load = self.queues.load(job.request.context.name)
        if Status.ASSIGNED <= job.status <= Status.CANCELLING and job.host_id is not None:
            self._place(job, job.host_id, load)
        elif self.hosts.unplace(job_id):
            load.active.discard(job_id)
        if job.status is Status.INITIALIZED:
            self.unqueued[job_id] = None
        elif job_id in self.unqueued:
            del self.unqueued[job_id]
        if job.status is Status.QUEUED:
            self._enqueue_or_back_off(job, load)
        else:
            load.waiting.discard(job_id)
            self.queues.leave(load, job_id, self.jobs.in_line)
        self.deadlines.watch(job)
        if job.status.final:
            self.jobs.end(job)
            self.hosts.assigned_at.pop(job_id, None)

    def _enqueue_or_back_off(self, job: Job, load: ContextLoad) -> None:
        due = retry_at(job)
        if due > self.now and not load.failures.is_broken:
            self.queues.back_off(job, due)
        else:
            self.queues.enqueue(job)

    def _end_back_off(self, load: ContextLoad) -> None:
        """Enqueue the jobs of a broken context that back off: they are to fail now, not to be tried again."""
        if load.failures.is_broken:
            for _, job_id in self.queues.retries:
                job = self.jobs.open.get(job_id)
                if job is not None and job.status is Status.QUEUED and job.request.context.name == load.name:
                    self.queues.enqueue(job)

    def _note_context(self, name: str, context: Context | None, at: int) -> None:
        """Changed settings clear failures; those of the default are also those of every undefined context."""
        self.queues.load(name).failures.clear(at)
        if name == DEFAULT_CONTEXT:
            for load in self.queues.contexts.values():
                if load.name not in self.registry.contexts:
                    load.failures.clear(at)
        self.prepared.pop(name, None)
        if context is not None and (context.precreated or context.spares):
            self.prepared[name] = context

    def _place(self, job: Job, host_id: str, load: ContextLoad) -> None:
        if self.hosts.place(job, host_id):
            load.active.add(job.job_id)
            load.waiting.discard(job.job_id)
        if job.request.mode == "shared":
            load.home = host_id

    def _tick(self, at: int) -> None:
        self.now = max(self.now, at)
        for job_id in self.queues.due_retries(self.now):
            job = self.jobs.open.get(job_id)
            if job is not None and job.status is Status.QUEUED and retry_at(job) <= self.now:
                self.queues.enqueue(job)
        self.deadlines.tick(self.now, self.jobs.open)
        self.hosts.tick(at)
