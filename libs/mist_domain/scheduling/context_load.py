"""A context as a scheduler sees it: its queue and its order, what runs, where its shared driver lives."""

from dataclasses import dataclass, field

from mist_domain.job import Job

BROKEN_AFTER = 5


@dataclass(slots=True, eq=False)
class DriverFailures:
    """`failed`: driver → when it failed (ms), since a job of the context last started or its settings changed."""

    failed: dict[str, int] = field(default_factory=dict)
    well_at: int = -1
    reason: str = ""

    @property
    def broken(self) -> bool:
        return len(self.failed) >= BROKEN_AFTER

    def add(self, driver: str, at: int, reason: str) -> None:
        """A driver failed to start; the jobs that waited in it say so one by one, and it counts once."""
        if at > self.well_at:
            self.failed.setdefault(driver, at)
            self.reason = reason

    def clear(self, at: int) -> None:
        """At `at` a job of the context started, or its settings were changed: what failed before says nothing now."""
        self.well_at = max(self.well_at, at)
        self.failed = {driver: failed_at for driver, failed_at in self.failed.items() if failed_at > self.well_at}

    def sentence(self, context: str) -> str:
        return (
            f"context {context!r} is broken: its last {len(self.failed)} drivers died at start ({self.reason}); "
            f"jobs of it fail at once until the context is changed"
        )


BACK_OFF_MS = 1_000
MAX_BACK_OFF_MS = 60_000

Order = tuple[int, int, int, str]


@dataclass(slots=True, eq=False)
class ContextLoad:
    """A context's queue and what it has running. `heap` may hold stale entries; `waiting` tells what counts."""

    name: str
    heap: list[Order] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    home: str | None = None
    failures: DriverFailures = field(default_factory=DriverFailures)


def queue_order(job: Job) -> Order:
    """FIFO within a context by when the request was appended, the greater `priority` first."""
    request = job.request
    return (-request.priority, request.requested_at, request.request_offset, job.job_id)


def retry_at(job: Job) -> int:
    """When a queued job may be assigned, in ms: after 1, 2, 4 … s for attempts 2, 3, 4 …."""
    if job.attempt <= 1:
        return 0
    return job.queued_at + min(BACK_OFF_MS << (job.attempt - 2), MAX_BACK_OFF_MS)
