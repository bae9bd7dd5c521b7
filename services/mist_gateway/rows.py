"""A job as the gateway keeps it: the fold of its facts, and which records of the log they were.

The records themselves stay in Kafka; a history says where they are and what each led to, eight bytes a record.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from mist_domain.events import JobEvent
from mist_domain.job import Job, Status, evolve

IGNORED = 0
_STATUS_BITS = 4
_STATUS_MASK = (1 << _STATUS_BITS) - 1

Order = tuple[int, str]


class Place(NamedTuple):
    """Where a record stands and when the broker took it (ms)."""

    partition: int
    offset: int
    at: int


class Step(NamedTuple):
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

    def history(self) -> Iterator[Step]:
        for packed in self._steps:
            yield _unpack(packed)

    def step_at(self, offset: int) -> Step | None:
        """What the record at `offset` led to; `None` when it is not one of this job's."""
        place = bisect_left(self._steps, offset << _STATUS_BITS)
        if place == len(self._steps) or self._steps[place] >> _STATUS_BITS != offset:
            return None
        return _unpack(self._steps[place])

    def last_offset(self) -> int:
        return self._steps[-1] >> _STATUS_BITS if self._steps else -1


def fold_job(row: JobRow | None, event: JobEvent, place: Place) -> JobRow:
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


def _unpack(packed: int) -> Step:
    status = packed & _STATUS_MASK
    return Step(packed >> _STATUS_BITS, Status(status) if status else None)
