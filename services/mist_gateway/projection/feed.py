"""Accepted transitions as the frames that WebSockets are sent. A frame is made only when somebody listens."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mist_domain.facts.job_events import JobAttemptLost, JobEvent
from mist_domain.job import Status
from mist_domain.wire.cursor import write_cursor
from mist_domain.wire.feed import Announcement, announce, announce_phase
from mist_domain.wire.json_text import write_json
from mist_gateway.projection.entry import Position


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as text, and the cursor that stands in it; what is no event of the log carries none."""

    text: str
    cursor: str | None = None


def make_frame(event: JobEvent, status: Status, at: int, offsets: list[int], *, phases: bool) -> Frame | None:
    """The frame of a fact that led to `status`; `offsets` is its cursor. `None` when clients are told nothing."""
    told = _tell(event, status, at, phases=phases)
    if told is None:
        return None
    cursor = write_cursor(offsets)
    told["cursor"] = cursor
    return Frame(write_json(told), cursor)


def _tell(event: JobEvent, status: Status, at: int, *, phases: bool) -> Announcement | None:
    told = announce(event, status, at, first=not isinstance(event, JobAttemptLost))
    if told is None and phases:
        told = announce_phase(event, status, at)
    return told


class Listener:
    """What one WebSocket has not been sent yet, bounded by count and bytes. Past the bound it is `overrun`.

    `job_id`: hears of that job only; `phases`: the later phases too; `logs`: the lines that jobs print, too.
    """

    def __init__(
        self, *, job_id: str | None, phases: bool = False, logs: bool = False, most: int, most_bytes: int
    ) -> None:
        self.job_id = job_id
        self.phases = phases
        self.logs = logs
        self.overrun = False
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._most = most
        self._most_bytes = most_bytes
        self._arrived = asyncio.Event()

    def put(self, frame: Frame) -> None:
        if self.overrun:
            return
        self._frames.append(frame)
        self._bytes += len(frame.text)
        if len(self._frames) > self._most or self._bytes > self._most_bytes:
            self.overrun = True
            self._frames.clear()
        self._arrived.set()

    async def next_frames(self) -> list[Frame]:
        """All that is there, waiting for the first; nothing when it is overrun."""
        await self._arrived.wait()
        self._arrived.clear()
        frames = list(self._frames)
        self._frames.clear()
        self._bytes = 0
        return frames


class Feed:
    """`offsets` gives the last offset folded of each partition of `mist.job-events`."""

    def __init__(self, offsets: Callable[[], list[int]]) -> None:
        self.offsets = offsets
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

    def __len__(self) -> int:
        return len(self._of_all) + sum(map(len, self._of_job.values()))

    def heard(self, job_id: str) -> bool:
        """Whether anybody listens to what becomes of that job."""
        return bool(self._of_all) or job_id in self._of_job

    def listeners(self, job_id: str) -> Iterator[Listener]:
        yield from self._of_all
        yield from self._of_job.get(job_id, ())

    def tell(self, event: JobEvent, status: Status, place: Position) -> None:
        """A fact was accepted and led to `status`."""
        frames: dict[bool, Frame | None] = {}
        for listener in self.listeners(event.job_id):
            if listener.phases not in frames:
                frames[listener.phases] = self._frame(event, status, place, phases=listener.phases)
            frame = frames[listener.phases]
            if frame is not None:
                listener.put(frame)

    def tell_logs(self, job_id: str, frame: Frame) -> None:
        for listener in self.listeners(job_id):
            if listener.logs:
                listener.put(frame)

    def _frame(self, event: JobEvent, status: Status, place: Position, *, phases: bool) -> Frame | None:
        offsets = self.offsets()
        offsets[place.partition] = place.offset
        return make_frame(event, status, place.at, offsets, phases=phases)
