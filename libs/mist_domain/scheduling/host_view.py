"""One worker host as a scheduler sees it: its last state, how long it has been silent, and what it was given."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mist_domain.facts.hosts import HostState, Prepared, Worker
from mist_domain.facts.registry import Mode
from mist_domain.job import Job

LOST_TICKS = 25
LOST_UNSTARTED_TICKS = 8


def worker_key(job: Job) -> str:
    """The key of the driver that serves the job: one for all shared jobs of a context, one for each exclusive job."""
    request = job.request
    return request.context.name if request.mode == "shared" else job.job_id


@dataclass(slots=True, eq=False)
class Given:
    """Room on one host that a plan gives away: a number of attempts, and the keys of drivers that are new there."""

    attempts: int = 0
    workers: set[str] = field(default_factory=set)


NOTHING_GIVEN = Given()


@dataclass(slots=True, eq=False)
class HostView:
    """`live`: a state was read live; `silent`: ticks since the last state; `placed`: job id → worker key.

    `workers` counts the placed jobs of each key. `unlisted` are placed jobs that two states in a row did not list.
    """

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
        """True when its attempts are to be given up: it stopped, was replaced, or was silent too long."""
        return self.gone or self.silent >= LOST_TICKS

    @property
    def assignable(self) -> bool:
        """True when it may be given work."""
        state = self.state
        return self.live and state is not None and not state.draining and self.silent < LOST_UNSTARTED_TICKS

    @property
    def keeps_home(self) -> bool:
        """True when the shared driver of a context may be used here: the host lives and is not draining."""
        return not self.lost and not (self.state is not None and self.state.draining)

    @property
    def prepared(self) -> tuple[Prepared, ...]:
        """Drivers that the host keeps ready, by its own last state."""
        return () if self.state is None else self.state.prepared

    @property
    def drivers(self) -> tuple[Worker, ...]:
        """Its driver processes, as it says itself."""
        return () if self.state is None else self.state.workers

    def find_prepared(self, context: str, mode: Mode) -> Prepared | None:
        """Find the drivers of the context and mode that the host keeps ready."""
        return next((kept for kept in self.prepared if (kept.context, kept.mode) == (context, mode)), None)

    def has_spare(self, context: str) -> bool:
        """True when an unused driver of the context waits there."""
        return any(driver.context == context and driver.state == "spare" for driver in self.drivers)

    def has_room(self, job: Job, given: Given = NOTHING_GIVEN) -> bool:
        """True when slots and driver places, less what is placed and what is `given` away, leave room for the job."""
        state = self.state
        if state is None or len(self.placed) + given.attempts >= state.slots or not self.assignable:
            return False
        if job.request.context.name in self.refused:
            return False
        key = worker_key(job)
        if key in self.workers or key in given.workers:
            return True
        return len(self.workers) + len(given.workers) < state.max_workers

    def fold(self, state: HostState, *, live: bool) -> None:
        """Fold a snapshot: the host lives, and what it refused may be tried again."""
        self.state, self.silent, self.gone = state, 0, state.stopped
        self.live = live or self.live
        self.refused.clear()

    def compare(self, state: HostState, should_list: Callable[[str], bool]) -> None:
        """Note the placed jobs that the state should list and does not; twice in a row makes them `unlisted`."""
        held = {attempt.job_id for attempt in state.attempts}
        missing = {job_id for job_id in self.placed if job_id not in held and should_list(job_id)}
        self.unlisted, self.suspects = missing & self.suspects, missing

    def place(self, job: Job) -> None:
        if job.job_id not in self.placed:
            key = worker_key(job)
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
