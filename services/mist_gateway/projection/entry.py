"""Start requests that nobody has decided yet: clients see them as jobs that are `initialized`."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.registry import DEFAULT_CONTEXT, Mode
from mist_domain.facts.requests import Origin, StartRequest, request_hash
from mist_domain.job import Job, Status, evolve
from mist_domain.registry import Registry, find_context, find_endpoint


def asked_context(request: StartRequest, registry: Registry) -> str:
    """The context a start request names, else its endpoint's default."""
    endpoint = find_endpoint(registry, request.endpoint)
    return request.context or (endpoint.default_context if endpoint else DEFAULT_CONTEXT)


class PendingStart:
    """A start request as it stands in the log. `order` sorts it among the jobs by age."""

    __slots__ = ("job_id", "offset", "order", "partition", "request")

    def __init__(self, job_id: str, request: StartRequest, partition: int, offset: int, time: int) -> None:
        self.job_id = job_id
        self.request = request
        self.partition = partition
        self.offset = offset
        self.order = (time, job_id)

    @property
    def created_at(self) -> int:
        return self.order[0]

    def stands_at(self, origin: Origin) -> bool:
        return (self.partition, self.offset) == (origin.partition, origin.offset)

    def request_hash(self) -> str:
        return request_hash(self.request)

    def context(self, registry: Registry) -> str:
        return asked_context(self.request, registry)

    def mode(self, registry: Registry) -> Mode:
        return self.request.mode or find_context(registry, self.context(registry)).worker_mode


IGNORED = 0
_STATUS_BITS = 4
_STATUS_MASK = (1 << _STATUS_BITS) - 1

Order = tuple[int, str]


class Position(NamedTuple):
    """Where a record stands and when the broker took it (ms)."""

    partition: int
    offset: int
    at: int


class HistoryStep(NamedTuple):
    """One record of a job's life: its offset and the status it led to, `None` when the fold ignored it."""

    offset: int
    status: Status | None


class JobRow:
    """`order` sorts jobs by age and is set once, when the job is known."""

    __slots__ = ("_steps", "job", "order", "partition")

    def __init__(self, job: Job, partition: int) -> None:
        self.job = job
        self.partition = partition
        self.order: Order | None = None
        self._steps = array("q")

    def note(self, offset: int, status: int) -> None:
        self._steps.append(offset << _STATUS_BITS | status)

    def history(self) -> Iterator[HistoryStep]:
        for packed in self._steps:
            yield _unpack(packed)

    def step_at(self, offset: int) -> HistoryStep | None:
        """What the record at `offset` led to; `None` when it is not one of this job's."""
        place = bisect_left(self._steps, offset << _STATUS_BITS)
        if place == len(self._steps) or self._steps[place] >> _STATUS_BITS != offset:
            return None
        return _unpack(self._steps[place])

    def last_offset(self) -> int:
        return self._steps[-1] >> _STATUS_BITS if self._steps else -1


def fold_job(row: JobRow | None, event: JobEvent, place: Position) -> JobRow:
    """Take one record into its job's row: the one fold, and a note of where the record is."""
    if row is None:
        row = JobRow(Job(event.job_id), place.partition)
    before = row.job
    after = evolve(before, event, place.at)
    if after is before:
        row.note(place.offset, IGNORED)
        return row
    row.job = after
    row.note(place.offset, after.status)
    if row.order is None:
        row.order = (after.created_at, after.job_id)
    return row


def _unpack(packed: int) -> HistoryStep:
    status = packed & _STATUS_MASK
    return HistoryStep(packed >> _STATUS_BITS, Status(status) if status else None)
