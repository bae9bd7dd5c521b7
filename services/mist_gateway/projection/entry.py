"""Entries of the job table: jobs as rows folded from the log, and start requests that nobody has decided yet.

A row keeps the job and where its records are, eight bytes a record; the records themselves stay in Kafka.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.registry import DEFAULT_CONTEXT, Mode
from mist_domain.facts.requests import Origin, StartRequest, request_hash
from mist_domain.job import Job, Status, evolve, shown
from mist_domain.registry import Registry, find_context, find_endpoint

IGNORED = 0
_STATUS_BITS = 4
_STATUS_MASK = (1 << _STATUS_BITS) - 1

Order = tuple[int, str]
"""Creation time (ms) and job id: the order of lists."""


class Position(NamedTuple):
    """Position of a record, with the broker's append time (ms)."""

    partition: int
    offset: int
    at: int


class HistoryStep(NamedTuple):
    """One record of a job: its offset and the status it led to, `None` when the fold ignored it."""

    offset: int
    status: Status | None


def requested_context(request: StartRequest, registry: Registry) -> str:
    """Name the context of a start request: its own, else its endpoint's default."""
    endpoint = find_endpoint(registry, request.endpoint)
    return request.context or (endpoint.default_context if endpoint else DEFAULT_CONTEXT)


class PendingStart:
    """A start request that no scheduler has decided yet. Clients see a job that is `initialized`."""

    __slots__ = ("job_id", "offset", "order", "partition", "request")

    status = Status.INITIALIZED.word
    final = False

    def __init__(self, job_id: str, request: StartRequest, partition: int, offset: int, time: int) -> None:
        self.job_id = job_id
        self.request = request
        self.partition = partition
        self.offset = offset
        self.order: Order | None = (time, job_id)

    @property
    def created_at(self) -> int:
        return self.order[0] if self.order else 0

    def is_at(self, origin: Origin) -> bool:
        return (self.partition, self.offset) == (origin.partition, origin.offset)

    def request_hash(self) -> str:
        return request_hash(self.request)

    def context(self, registry: Registry) -> str:
        return requested_context(self.request, registry)

    def mode(self, registry: Registry) -> Mode:
        return self.request.mode or find_context(registry, self.context(registry)).worker_mode


class JobRow:
    """A job of the log. `order` is set once, when the job is initialized; until then there is no such job."""

    __slots__ = ("_steps", "job", "order", "partition")

    def __init__(self, job: Job, partition: int) -> None:
        self.job = job
        self.partition = partition
        self.order: Order | None = None
        self._steps = array("q")

    @property
    def job_id(self) -> str:
        return self.job.job_id

    @property
    def status(self) -> str:
        """The status in the clients' words."""
        return shown(self.job)

    @property
    def final(self) -> bool:
        return self.job.status.final

    @property
    def created_at(self) -> int:
        return self.job.created_at

    def request_hash(self) -> str:
        return self.job.request.request_hash

    def add_step(self, offset: int, status: int) -> None:
        """Note the record at `offset`; `status` is `IGNORED` or the status it led to."""
        self._steps.append(offset << _STATUS_BITS | status)

    def history(self) -> Iterator[HistoryStep]:
        for packed in self._steps:
            yield _unpack(packed)

    def step_at(self, offset: int) -> HistoryStep | None:
        """Find the step of the record at `offset`; `None` when it is not one of this job's."""
        index = bisect_left(self._steps, offset << _STATUS_BITS)
        if index == len(self._steps) or self._steps[index] >> _STATUS_BITS != offset:
            return None
        return _unpack(self._steps[index])

    def last_offset(self) -> int:
        return self._steps[-1] >> _STATUS_BITS if self._steps else -1


Entry = JobRow | PendingStart
"""Both have `job_id`, `order`, `created_at`, `status` (the clients' word), `final` and `request_hash()`."""


def fold_job(row: JobRow | None, event: JobEvent, position: Position) -> JobRow:
    """Fold one record into its job's row, and note where the record is."""
    if row is None:
        row = JobRow(Job(event.job_id), position.partition)
    before = row.job
    after = evolve(before, event, position.at)
    if after is before:
        row.add_step(position.offset, IGNORED)
        return row
    row.job = after
    row.add_step(position.offset, after.status)
    if row.order is None:
        row.order = (after.created_at, after.job_id)
    return row


def _unpack(packed: int) -> HistoryStep:
    status = packed & _STATUS_MASK
    return HistoryStep(packed >> _STATUS_BITS, Status(status) if status else None)
