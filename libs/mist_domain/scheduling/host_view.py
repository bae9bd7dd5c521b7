"""One worker host as a scheduler sees it: what it said of itself, how long it has been silent, what it was given."""

from collections import Counter
from dataclasses import dataclass, field

from mist_domain.facts.hosts import HostState
from mist_domain.facts.registry import Mode
from mist_domain.job import Job

LOST_TICKS = 25
LOST_UNSTARTED_TICKS = 8


def worker_key(job: Job) -> str:
    """What one driver serves: a context's shared jobs together, an exclusive job alone."""
    request = job.request
    return request.context.name if request.mode == "shared" else job.job_id


@dataclass(slots=True, eq=False)
class HostView:
    """`live` = a state was read live; `silent` = ticks since the last one; `placed` = job id → worker key."""

    host_id: str
    state: HostState | None = None
    live: bool = False
    silent: int = 0
    gone: bool = False
    placed: dict[str, str] = field(default_factory=dict)
    workers: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    suspects: set[str] = field(default_factory=set)
    unlisted: set[str] = field(default_factory=set)

    @property
    def lost(self) -> bool:
        """Whether its attempts are to be given up: it stopped, was replaced, or was silent too long."""
        return self.gone or self.silent >= LOST_TICKS

    @property
    def assignable(self) -> bool:
        state = self.state
        return self.live and state is not None and not state.draining and self.silent < LOST_UNSTARTED_TICKS

    def keeps(self, context: str, mode: Mode) -> bool:
        """Whether it was asked to keep drivers of the context ready."""
        told = () if self.state is None else self.state.prepared
        return any((one.context, one.mode) == (context, mode) for one in told)

    def has_spare(self, context: str) -> bool:
        workers = () if self.state is None else self.state.workers
        return any(one.context == context and one.state == "spare" for one in workers)

    def take(self, state: HostState, *, live: bool) -> None:
        """Fold a snapshot: the host lives, and what it refused may be tried again."""
        self.state, self.silent, self.gone = state, 0, state.stopped
        self.live = live or self.live
        self.refused.clear()

    def place(self, job: Job) -> None:
        key = worker_key(job)
        if job.job_id not in self.placed:
            self.placed[job.job_id] = key
            self.workers[key] += 1

    def unplace(self, job_id: str) -> None:
        key = self.placed.pop(job_id, None)
        if key is None:
            return
        self.workers[key] -= 1
        if not self.workers[key]:
            del self.workers[key]
        self.unlisted.discard(job_id)

    def has_room(self, job: Job) -> bool:
        """Whether slots and worker places, as folded and as in flight, leave room for the job."""
        state = self.state
        if state is None or not self.assignable or len(self.placed) >= state.slots:
            return False
        if job.request.context.name in self.refused:
            return False
        return worker_key(job) in self.workers or len(self.workers) < state.max_workers
