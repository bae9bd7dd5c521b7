"""Events of the past, read from Kafka for who resumes: the rows say which were accepted and what they led to."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from mist_eventlog import PoisonError, Record
from mist_eventlog.topics.names import JOB_EVENTS
from mist_gateway.projection.entry import HistoryStep, JobRow
from mist_gateway.projection.feed import Frame, Listener, make_frame
from mist_gateway.queries.history import decode_event, read_history
from mist_gateway.service import Gateway

LISTEN_BEHIND = 500


async def replay_all(gateway: Gateway, listener: Listener, since: list[int]) -> AsyncIterator[list[Frame]]:
    """Everything after `since`; the listener is added on the way, so that live frames go on where this ends.

    While far behind nothing is buffered: the log is read up to where it stood, again and again, until it is near.
    """
    told, listening = list(since), False
    while not listening:
        target = gateway.projection.feed.offsets()
        if sum(target) - sum(told) <= LISTEN_BEHIND:
            gateway.projection.feed.add(listener)
            listening = True
        async for frames in _replay(gateway, told, target, phases=listener.phases):
            yield frames


async def replay_job(gateway: Gateway, listener: Listener, row: JobRow, after: int) -> list[Frame]:
    """One job's events beyond offset `after`; the listener is added at once."""
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


async def _replay(gateway: Gateway, told: list[int], target: list[int], *, phases: bool) -> AsyncIterator[list[Frame]]:
    """Frames of `told[p] < offset <= target[p]`; `told` moves along."""
    ranges = {p: (last + 1, target[p] + 1) for p, last in enumerate(told) if last < target[p]}
    if ranges:
        async for records in gateway.reader.read_range(JOB_EVENTS, ranges):
            yield [frame for record in records if (frame := _frame(gateway, record, told, phases=phases)) is not None]
            await asyncio.sleep(0)
    told[:] = target


def _frame(gateway: Gateway, record: Record, told: list[int], *, phases: bool) -> Frame | None:
    told[record.partition] = record.offset
    step = _step(gateway, record)
    if step is None or step.status is None:
        return None
    return make_frame(decode_event(gateway.codec, record), step.status, record.time, told, phases=phases)


def _step(gateway: Gateway, record: Record) -> HistoryStep | None:
    """What the record led to, by its job's row; the row is that of the job the fact names, its key is most likely it."""
    rows = gateway.projection.jobs.rows
    row = rows.get(record.key.decode(errors="replace")) if record.key else None
    step = row.step_at(record.offset) if row is not None else None
    if step is not None:
        return step
    with contextlib.suppress(PoisonError):
        row = rows.get(getattr(gateway.codec.decode(record.value), "job_id", ""))
        return row.step_at(record.offset) if row is not None else None
    return None
