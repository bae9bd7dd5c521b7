"""Queues of contexts: who waits, in which order, which context's turn it is, and which contexts are broken."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mist_domain.job import Job

BROKEN_AFTER = 5
BACK_OFF_MS = 1_000
MAX_BACK_OFF_MS = 60_000

Order = tuple[int, int, int, str]
"""The sort key of a queue; its last part is the job id."""


@dataclass(slots=True, eq=False)
class DriverFailures:
    """`failed`: driver → when it failed (ms), since a job of the context last started or its settings changed."""

    failed: dict[str, int] = field(default_factory=dict)
    cleared_at: int = -1
    reason: str = ""

    @property
    def is_broken(self) -> bool:
        """True when so many drivers failed in a row that jobs of the context fail at once."""
        return len(self.failed) >= BROKEN_AFTER

    def add(self, driver: str, at: int, reason: str) -> None:
        """Count a driver that failed to start, once however many jobs it takes with it."""
        if at > self.cleared_at:
            self.failed.setdefault(driver, at)
            self.reason = reason

    def clear(self, at: int) -> None:
        """Forget failures up to `at`, when a job of the context started or its settings were changed."""
        self.cleared_at = max(self.cleared_at, at)
        self.failed = {driver: failed_at for driver, failed_at in self.failed.items() if failed_at > self.cleared_at}

    def sentence(self, context: str) -> str:
        return (
            f"context {context!r} is broken: its last {len(self.failed)} drivers died at start ({self.reason}); "
            f"jobs of it fail at once until the context is changed"
        )


@dataclass(slots=True, eq=False)
class ContextLoad:
    """One context: `waiting` and `active` jobs by id, and `home`, the host of its shared driver.

    `heap` orders the waiting jobs; it may hold entries of jobs that have left.
    """

    name: str
    heap: list[Order] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    home: str | None = None
    failures: DriverFailures = field(default_factory=DriverFailures)

    def in_order(self) -> Iterator[str]:
        """Job ids in the queue's order, stale ones too. Lazy: reading the first k of n costs O(k log k)."""
        heap, frontier, index = self.heap, list[tuple[Order, int]](), 0
        if heap:
            yield heap[0][-1]
            frontier = [(heap[child], child) for child in (1, 2) if child < len(heap)]
            heapq.heapify(frontier)
        while frontier:
            order, index = heapq.heappop(frontier)
            yield order[-1]
            for child in (2 * index + 1, 2 * index + 2):
                if child < len(heap):
                    heapq.heappush(frontier, (heap[child], child))


def queue_order(job: Job) -> Order:
    """FIFO within a context by when the request was appended, the greater `priority` first."""
    request = job.request
    return (-request.priority, request.requested_at, request.request_offset, job.job_id)


def retry_at(job: Job) -> int:
    """The time (ms) from which a queued job may be assigned: after 1, 2, 4 … s for attempts 2, 3, 4 …."""
    if job.attempt <= 1:
        return 0
    return job.queued_at + min(BACK_OFF_MS << (job.attempt - 2), MAX_BACK_OFF_MS)


@dataclass(slots=True, eq=False)
class Queues:
    """`ring` holds every context with a non-empty heap, the next in turn first; `retries` jobs that back off."""

    contexts: dict[str, ContextLoad] = field(default_factory=dict)
    ring: dict[str, None] = field(default_factory=dict)
    retries: list[tuple[int, str]] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """Count the waiting jobs of all contexts."""
        return sum(len(load.waiting) for load in self.contexts.values())

    def find(self, context: str) -> ContextLoad:
        """The context's load, to read; an empty one for a context without jobs."""
        return self.contexts.get(context) or ContextLoad(context)

    def load(self, context: str) -> ContextLoad:
        """The context's load, to change."""
        load = self.contexts.get(context)
        if load is None:
            load = self.contexts[context] = ContextLoad(context)
        return load

    def enqueue(self, job: Job) -> None:
        load = self.load(job.request.context.name)
        load.waiting.add(job.job_id)
        heapq.heappush(load.heap, queue_order(job))
        self.ring.setdefault(load.name)

    def back_off(self, job: Job, due: int) -> None:
        """Enqueue the job not before `due` (ms)."""
        heapq.heappush(self.retries, (due, job.job_id))

    def due_retries(self, now: int) -> Iterator[str]:
        """Remove and return the ids of jobs whose back-off has ended; they may have left since."""
        while self.retries and self.retries[0][0] <= now:
            yield heapq.heappop(self.retries)[1]

    def rotate(self, context: str) -> None:
        """The context had its turn: the others come first."""
        if context in self.ring:
            del self.ring[context]
            self.ring[context] = None

    def leave(self, load: ContextLoad, job_id: str, in_line: Callable[[str], Job | None]) -> None:
        """The job has left its queue: drop its entry if that is the first, and those behind it of jobs that left too."""
        if not load.heap or load.heap[0][-1] != job_id:
            return
        while load.heap and in_line(load.heap[0][-1]) is None:
            heapq.heappop(load.heap)
        if not load.heap:
            self.ring.pop(load.name, None)
