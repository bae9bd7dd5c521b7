"""A context as a scheduler sees it: its queue and its order, what runs, where its shared driver lives."""

from dataclasses import dataclass, field

from mist_domain.driver_failures import DriverFailures
from mist_domain.job import Job

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
