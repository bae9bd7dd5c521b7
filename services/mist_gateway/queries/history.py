"""History: the records of jobs, read back from Kafka for `/events` and for feeds that resume.

A job's row says where its records are, which were accepted, and what each led to.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

from mist_domain.facts.job_events import JobEvent
from mist_eventlog import Codec, PoisonError, Record
from mist_eventlog.topics.names import JOB_EVENTS
from mist_gateway.projection.entry import HistoryStep, JobRow
from mist_gateway.projection.feed import Frame, Listener, make_frame
from mist_gateway.service import Gateway

NEAR_RECORDS = 500
RecordedStep = tuple[Record, HistoryStep, JobEvent]


async def read_history(gateway: Gateway, row: JobRow, *, after: int = -1) -> list[RecordedStep]:
    """Read the job's records beyond offset `after`, in order, each with its step."""
    steps = {step.offset: step for step in row.history() if step.offset > after}
    if not steps:
        return []
    records = await gateway.reader.fetch(JOB_EVENTS, row.partition, list(steps))
    return [(record, steps[record.offset], decode_event(gateway.codec, record)) for record in records]


def decode_event(codec: Codec, record: Record) -> JobEvent:
    """Decode a record of some row's history, which was decoded before."""
    return cast("JobEvent", codec.decode(record.value))


async def replay_all(gateway: Gateway, listener: Listener, since: list[int]) -> AsyncIterator[list[Frame]]:
    """Replay all events after `since`; the listener is added on the way, so that live frames continue where this ends.

    While far behind nothing is buffered: the log is read up to its present end, again and again, until that is near.
    """
    sent, listening = list(since), False
    while not listening:
        target = gateway.projection.feed.offsets()
        if sum(target) - sum(sent) <= NEAR_RECORDS:
            gateway.projection.feed.add(listener)
            listening = True
        async for frames in _replay(gateway, sent, target, phases=listener.phases):
            yield frames


async def replay_job(gateway: Gateway, listener: Listener, row: JobRow, after: int) -> list[Frame]:
    """Replay one job's events beyond offset `after`; the listener is added at once."""
    offsets = gateway.projection.feed.offsets()
    gateway.projection.feed.add(listener)
    frames = []
    for record, step, event in await read_history(gateway, row, after=after):
        if step.status is not None:
            offsets[row.partition] = record.offset
            frame = make_frame(event, step.status, record.time, offsets, phases=listener.phases)
            if frame is not None:
                frames.append(frame)
    return frames


async def _replay(gateway: Gateway, sent: list[int], target: list[int], *, phases: bool) -> AsyncIterator[list[Frame]]:
    """Read the frames with `sent[p] < offset <= target[p]`; advances `sent`."""
    ranges = {p: (last + 1, target[p] + 1) for p, last in enumerate(sent) if last < target[p]}
    if ranges:
        async for records in gateway.reader.read_range(JOB_EVENTS, ranges):
            yield [frame for record in records if (frame := _frame(gateway, record, sent, phases=phases)) is not None]
            await asyncio.sleep(0)
    sent[:] = target


def _frame(gateway: Gateway, record: Record, sent: list[int], *, phases: bool) -> Frame | None:
    sent[record.partition] = record.offset
    step = _step(gateway, record)
    if step is None or step.status is None:
        return None
    return make_frame(decode_event(gateway.codec, record), step.status, record.time, sent, phases=phases)


def _step(gateway: Gateway, record: Record) -> HistoryStep | None:
    """Find the record's step in its job's row. The event names the job; the record's key is tried first, undecoded."""
    rows = gateway.projection.jobs.rows
    row = rows.get(record.key.decode(errors="replace")) if record.key else None
    step = row.step_at(record.offset) if row is not None else None
    if step is not None:
        return step
    with contextlib.suppress(PoisonError):
        row = rows.get(getattr(gateway.codec.decode(record.value), "job_id", ""))
        return row.step_at(record.offset) if row is not None else None
    return None
