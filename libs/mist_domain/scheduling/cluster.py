"""Everything a scheduler knows: jobs that are not over, queues, hosts, the registry, and what it has in flight.

The state is the fold of the log plus the decisions appended but not yet read back. Nothing here decides.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import JobAssigned, JobAttemptLost, JobEvent, JobFailed, JobStarted
from mist_domain.facts.registry import DEFAULT_CONTEXT, Context, ContextDefined, ContextRemoved, RegistryEvent
from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.job import Job, Status, evolve
from mist_domain.registry import Registry, fold_registry
from mist_domain.scheduling.context_load import ContextLoad, queue_order, retry_at
from mist_domain.scheduling.host_view import HostView


@dataclass(frozen=True, slots=True)
class Decision:
    """Events for one job, appended together; nothing more is decided for it until the last was read back."""

    job_id: str
    events: tuple[JobEvent, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """What is kept of a job that is over."""

    status: Status
    request_hash: str


class Cluster:
    """Mutable, single-threaded. `now` is the append time of the last tick read, in ms."""

    def __init__(self, scheduler_id: str, tick_ms: int = 1_000) -> None:
        """`tick_ms`: the least time between two ticks of one scheduler."""
        self.scheduler_id = scheduler_id
        self._least_tick = tick_ms * 9 // 10
        self._counted_at = -tick_ms
        self.now = 0
        self.ticked = False
        self.registry = Registry()
        self.registry_offset = -1
        self.registry_moved = False
        self.jobs: dict[str, Job] = {}
        self.ended: dict[str, Ended] = {}
        self.contexts: dict[str, ContextLoad] = {}
        self.hosts: dict[str, HostView] = {}
        self.ring: dict[str, None] = {}
        self.settled: list[str] = []
        self.unqueued: dict[str, None] = {}
        self.deadlines: list[tuple[int, str]] = []
        self._deciding: dict[str, int] = {}
        self._fresh: dict[str, Job] = {}
        self._open: set[str] = set()
        self._retries: list[tuple[int, str]] = []
        self._placed: dict[str, HostView] = {}
        self._prepared: dict[str, Context] = {}
        self._asked: dict[tuple[str, str, str], int] = {}
        self._assigned_at: dict[str, tuple[int, int]] = {}

    # -- what is known ---------------------------------------------------------------------------------------------

    def is_deciding(self, job_id: str) -> bool:
        return job_id in self._deciding

    def hash_of(self, job_id: str) -> str | None:
        """The request hash of a known job, over or not."""
        ended = self.ended.get(job_id)
        if ended is not None:
            return ended.request_hash
        job = self.jobs.get(job_id)
        return None if job is None else job.request.request_hash

    def head(self, load: ContextLoad) -> Job | None:
        """The first job of the queue, if it may be assigned now.

        A job whose `queued` is still on its way holds the queue, so that nobody overtakes it.
        """
        while load.heap:
            job_id = load.heap[0][-1]
            job = self._fresh.get(job_id) or self.jobs.get(job_id)
            if job is not None and job.status is Status.QUEUED:
                if job_id in self._open or job_id not in self._deciding:
                    return job
                if job_id in self._fresh:
                    return None
            heapq.heappop(load.heap)
        return None

    def is_open(self, job_id: str) -> bool:
        """Whether the job was decided in this very step, so that its decision may still be extended."""
        return job_id in self._open

    def load(self, context: str) -> ContextLoad:
        load = self.contexts.get(context)
        if load is None:
            load = self.contexts[context] = ContextLoad(context)
        return load

    def host(self, host_id: str) -> HostView:
        host = self.hosts.get(host_id)
        if host is None:
            host = self.hosts[host_id] = HostView(host_id)
        return host

    def context_of(self, job: Job) -> Context:
        """The context's settings now, else as the job took them along."""
        return self.registry.contexts.get(job.request.context.name, job.request.context)

    @property
    def waiting(self) -> int:
        """How many jobs wait, in all contexts."""
        return sum(len(load.waiting) for load in self.contexts.values())

    def home(self, load: ContextLoad) -> HostView | None:
        """The host that has the context's shared driver, while it lives and takes work."""
        host = self.hosts.get(load.home or "")
        if host is None or host.lost or (host.state is not None and host.state.draining):
            return self._prepared_home(load.name)
        return host

    def prepared_contexts(self) -> Iterable[Context]:
        """Those that want drivers before a job asks."""
        return self._prepared.values()

    def may_ask(self, request: PrepareWorkerRequest, pause: int) -> bool:
        """Whether the host was not asked the like within `pause` ms; from now on it was."""
        key = (request.host_id, request.context.name, request.mode)
        if key in self._asked and self.now - self._asked[key] < pause:
            return False
        self._asked[key] = self.now
        return True

    def rotate(self, context: str) -> None:
        """The context had its turn: the others come first."""
        self.ring.pop(context, None)
        self.ring[context] = None

    # -- folding ---------------------------------------------------------------------------------------------------

    def fold_registry(self, event: RegistryEvent, offset: int, at: int) -> None:
        """Take one record of `mist.registry` (append time `at`, ms)."""
        fold_registry(self.registry, event)
        self.registry_offset, self.registry_moved = offset, True
        if isinstance(event, ContextDefined):
            self._mend(event.context.name, at)
            self._note_prepared(event.context.name, event.context)
        elif isinstance(event, ContextRemoved):
            self._mend(event.name, at)
            self._note_prepared(event.name, None)

    def fold_job(self, event: JobEvent, at: int, partition: int, offset: int) -> None:
        """Take one record of `mist.job-events` (append time `at`, ms)."""
        job_id = event.job_id
        own = self._read_back(event)
        if job_id in self.ended:
            return
        job = self.jobs.get(job_id) or Job(job_id)
        after = evolve(job, event, at)
        if after is not job:
            self.jobs[job_id] = after
            self._note(job, event, after, (partition, offset), at)
        if (own or after is not job) and job_id not in self._deciding:
            self._settle(job_id)

    def fold_host(self, record: HostState | Tick, at: int, *, live: bool) -> None:
        """Take one record of `mist.hosts`; only a host heard `live` is given work."""
        if isinstance(record, Tick):
            self._tick(at)
            return
        host = self.host(record.host_id)
        host.take(record, live=live)
        if record.replaces is not None and record.replaces != record.host_id:
            self.host(record.replaces).gone = True
        self._compare(host, record)
        if record.stopped or record.replaces is not None:
            self.ticked = True

    # -- decisions in flight -----------------------------------------------------------------------------------------

    def begin(self, decision: Decision) -> None:
        """The decision is about to be appended: hold the job back and count its capacity until it is read back."""
        job = self.jobs.get(decision.job_id) or Job(decision.job_id)
        for event in decision.events:
            job = evolve(job, event, self.now)
        self._deciding[decision.job_id] = self._deciding.get(decision.job_id, 0) + len(decision.events)
        if decision.job_id not in self.jobs:
            self._fresh[decision.job_id] = job
            self._open.add(decision.job_id)
            if job.status is Status.QUEUED:
                self._enqueue(job)
        elif job.status is Status.ASSIGNED and job.host_id is not None:
            self._place(job, self.host(job.host_id))

    def extend(self, job: Job, event: JobAssigned | JobFailed) -> None:
        """This step's own decision for a new job goes on: what becomes of it is known already."""
        after = self._fresh[job.job_id] = evolve(job, event, self.now)
        self._deciding[job.job_id] += 1
        if after.status is Status.ASSIGNED and after.host_id is not None:
            self._place(job, self.host(after.host_id))

    def close_step(self) -> None:
        """The step's decisions are on their way: none can be extended any more."""
        self._open.clear()
        self.settled.clear()
        self.ticked = self.registry_moved = False

    def _prepared_home(self, context: str) -> HostView | None:
        """The host that keeps the driver of a context in which no job has run yet."""
        if context not in self._prepared:
            return None
        keeping = (host for host in self.hosts.values() if host.assignable and host.keeps(context, "shared"))
        return min(keeping, key=lambda host: host.host_id, default=None)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _read_back(self, event: JobEvent) -> bool:
        if event.writer != self.scheduler_id or event.job_id not in self._deciding:
            return False
        self._deciding[event.job_id] -= 1
        if self._deciding[event.job_id] == 0:
            del self._deciding[event.job_id]
            self._fresh.pop(event.job_id, None)
        return True

    def _note(self, job: Job, event: JobEvent, after: Job, place: tuple[int, int], at: int) -> None:
        """What an accepted fact says beyond the job itself: homes, refusals, where the assignment stands."""
        load = self.load(after.request.context.name)
        if isinstance(event, JobAssigned):
            self._assigned_at[event.job_id] = place
            if after.request.mode == "shared":
                load.home = event.host_id
        elif isinstance(event, JobStarted):
            load.failures.clear(at)
        elif isinstance(event, JobAttemptLost) and event.version is None and job.status is Status.ASSIGNED:
            self.host(event.writer).refused.add(load.name)
            if event.failed_driver is not None:
                load.failures.add(event.failed_driver, at, event.reason)
                self._end_back_off(load)

    def _settle(self, job_id: str) -> None:
        """Bring queue, capacity and deadlines in line with the fold; called when nothing is in flight for the job."""
        self.settled.append(job_id)
        job = self.jobs.get(job_id)
        if job is None:
            self._unplace(job_id)
            return
        if Status.ASSIGNED <= job.status <= Status.CANCELLING and job.host_id is not None:
            self._place(job, self.host(job.host_id))
        else:
            self._unplace(job_id)
        self._note_unqueued(job)
        if job.status is Status.QUEUED:
            self._wait_or_enqueue(job)
        else:
            self.load(job.request.context.name).waiting.discard(job_id)
        self._watch(job)
        if job.status.final:
            self._forget(job)

    def _note_unqueued(self, job: Job) -> None:
        """A job may be left initialized: its scheduler was killed before the rest of its decision was appended."""
        if job.status is Status.INITIALIZED:
            self.unqueued[job.job_id] = None
        else:
            self.unqueued.pop(job.job_id, None)

    def _wait_or_enqueue(self, job: Job) -> None:
        due = retry_at(job)
        if due > self.now and not self.load(job.request.context.name).failures.broken:
            heapq.heappush(self._retries, (due, job.job_id))
        else:
            self._enqueue(job)

    def _end_back_off(self, load: ContextLoad) -> None:
        """A broken context's jobs are not tried again: none of them waits for that."""
        if load.failures.broken:
            for _, job_id in self._retries:
                job = self.jobs.get(job_id)
                if job is not None and job.status is Status.QUEUED and job.request.context.name == load.name:
                    self._enqueue(job)

    def _mend(self, context: str, at: int) -> None:
        """Its settings have changed; the default's stand for those of every context that has none."""
        self.load(context).failures.clear(at)
        if context == DEFAULT_CONTEXT:
            for load in self.contexts.values():
                if load.name not in self.registry.contexts:
                    load.failures.clear(at)

    def _note_prepared(self, name: str, context: Context | None) -> None:
        self._prepared.pop(name, None)
        if context is not None and (context.precreated or context.spares):
            self._prepared[name] = context

    def _enqueue(self, job: Job) -> None:
        load = self.load(job.request.context.name)
        load.waiting.add(job.job_id)
        heapq.heappush(load.heap, queue_order(job))
        self.ring.setdefault(load.name)

    def _watch(self, job: Job) -> None:
        request = job.request
        if job.status is Status.QUEUED and request.start_timeout is not None:
            heapq.heappush(self.deadlines, (job.queued_at + request.start_timeout, job.job_id))
        if job.status is Status.STARTED and request.perform_timeout is not None:
            heapq.heappush(self.deadlines, (job.started_at + request.perform_timeout, job.job_id))

    def _forget(self, job: Job) -> None:
        del self.jobs[job.job_id]
        self._assigned_at.pop(job.job_id, None)
        self.ended[job.job_id] = Ended(job.status, job.request.request_hash)

    def _place(self, job: Job, host: HostView) -> None:
        if self._placed.get(job.job_id) is not host:
            self._unplace(job.job_id)
        self._placed[job.job_id] = host
        host.place(job)
        load = self.load(job.request.context.name)
        load.active.add(job.job_id)
        load.waiting.discard(job.job_id)
        if job.request.mode == "shared":
            load.home = host.host_id

    def _unplace(self, job_id: str) -> None:
        host = self._placed.pop(job_id, None)
        if host is None:
            return
        host.unplace(job_id)
        job = self.jobs.get(job_id)
        if job is not None:
            self.load(job.request.context.name).active.discard(job_id)

    def _tick(self, at: int) -> None:
        self.now, self.ticked = max(self.now, at), True
        self._count_silence(at)
        while self._retries and self._retries[0][0] <= self.now:
            _, job_id = heapq.heappop(self._retries)
            job = self.jobs.get(job_id)
            if job is not None and job.status is Status.QUEUED and retry_at(job) <= self.now:
                self._enqueue(job)
        for host in [host for host in self.hosts.values() if host.lost and not host.placed]:
            del self.hosts[host.host_id]
            self._asked = {key: at for key, at in self._asked.items() if key[0] != host.host_id}

    def _count_silence(self, at: int) -> None:
        """Two schedulers may both tick for a while; a host must not seem silent twice as long for that."""
        if at - self._counted_at >= self._least_tick:
            self._counted_at = at
            for host in self.hosts.values():
                host.silent += 1

    def _compare(self, host: HostView, state: HostState) -> None:
        """Attempts that the host should list by its offsets but has not listed twice in a row are `unlisted`."""
        held = {one.job_id for one in state.attempts}
        missing = {
            job_id
            for job_id in host.placed
            if job_id not in held and job_id not in self._deciding and self._has_folded(state, job_id)
        }
        host.unlisted, host.suspects = missing & host.suspects, missing

    def _has_folded(self, state: HostState, job_id: str) -> bool:
        partition, offset = self._assigned_at.get(job_id, (0, 1 << 62))
        return partition < len(state.offsets) and state.offsets[partition] >= offset
