"""The feed: accepted events as frames for WebSockets. A frame is made only when somebody listens."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mist_domain.facts.job_events import JobAttemptLost, JobEvent
from mist_domain.job import Status
from mist_domain.wire.cursor import write_cursor
from mist_domain.wire.feed import Announcement, announce, announce_phase
from mist_domain.wire.json_text import write_json
from mist_gateway.projection.entry import Position


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as text, with the cursor that it carries; keep-alives and log lines carry none."""

    text: str
    cursor: str | None = None


def make_frame(event: JobEvent, status: Status, at: int, offsets: list[int], *, phases: bool) -> Frame | None:
    """Make the frame of an event that led to `status`; `offsets` is its cursor. `None` when clients see no event."""
    announcement = _announce(event, status, at, phases=phases)
    if announcement is None:
        return None
    cursor = write_cursor(offsets)
    announcement["cursor"] = cursor
    return Frame(write_json(announcement), cursor)


def _announce(event: JobEvent, status: Status, at: int, *, phases: bool) -> Announcement | None:
    announcement = announce(event, status, at, first=not isinstance(event, JobAttemptLost))
    if announcement is None and phases:
        announcement = announce_phase(event, status, at)
    return announcement


class Listener:
    """Frames that one WebSocket has not been sent yet, bounded by count and bytes. Past the bound it is `overrun`.

    `job_id`: only this job's frames; `phases`: the later phases too; `logs`: the lines that jobs print, too.
    """

    def __init__(
        self, *, job_id: str | None, phases: bool = False, logs: bool = False, max_frames: int, max_bytes: int
    ) -> None:
        self.job_id = job_id
        self.phases = phases
        self.logs = logs
        self.overrun = False
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._arrived = asyncio.Event()

    def put(self, frame: Frame) -> None:
        if self.overrun:
            return
        self._frames.append(frame)
        self._bytes += len(frame.text)
        if len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self.overrun = True
            self._frames.clear()
        self._arrived.set()

    async def next_frames(self) -> list[Frame]:
        """Wait for frames and return all there are; none when it is overrun."""
        await self._arrived.wait()
        self._arrived.clear()
        frames = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return frames


class Feed:
    """Listeners, and the last offset folded of each of the `partitions` of `mist.job-events`."""

    def __init__(self, partitions: int) -> None:
        self._offsets = [-1] * partitions
        self._of_all: set[Listener] = set()
        self._of_job: dict[str, set[Listener]] = {}

    def add(self, listener: Listener) -> None:
        if listener.job_id is None:
            self._of_all.add(listener)
        else:
            self._of_job.setdefault(listener.job_id, set()).add(listener)

    def remove(self, listener: Listener) -> None:
        self._of_all.discard(listener)
        if listener.job_id is not None and listener.job_id in self._of_job:
            self._of_job[listener.job_id].discard(listener)
            if not self._of_job[listener.job_id]:
                del self._of_job[listener.job_id]

    def advance(self, position: Position) -> None:
        """Note a record that is folded now."""
        self._offsets[position.partition] = position.offset

    def offsets(self) -> list[int]:
        """Copy the last offset folded of each partition, -1 for none: the cursor of now."""
        return list(self._offsets)

    def __len__(self) -> int:
        return len(self._of_all) + sum(map(len, self._of_job.values()))

    def has_listeners(self, job_id: str) -> bool:
        """True when somebody listens to this job, or to all."""
        return bool(self._of_all) or job_id in self._of_job

    def listeners(self, job_id: str) -> Iterator[Listener]:
        yield from self._of_all
        yield from self._of_job.get(job_id, ())

    def publish(self, event: JobEvent, status: Status, position: Position) -> None:
        """Publish an event that was accepted and led to `status`."""
        frames: dict[bool, Frame | None] = {}
        for listener in self.listeners(event.job_id):
            if listener.phases not in frames:
                frames[listener.phases] = self._frame(event, status, position, phases=listener.phases)
            frame = frames[listener.phases]
            if frame is not None:
                listener.put(frame)

    def publish_logs(self, job_id: str, frame: Frame) -> None:
        for listener in self.listeners(job_id):
            if listener.logs:
                listener.put(frame)

    def _frame(self, event: JobEvent, status: Status, position: Position, *, phases: bool) -> Frame | None:
        return make_frame(event, status, position.at, self.offsets(), phases=phases)
