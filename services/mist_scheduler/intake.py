"""Cancels of jobs that are not known yet: the start may stand unread in another partition. No I/O.

Each is asked again and again until its job is known, or until all that stood in the log when it was read has been read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mist_domain.facts.requests import CancelRequest, Origin, StartRequest
from mist_eventlog import Record


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    request: StartRequest | CancelRequest
    origin: Origin
    record: Record


class Intake:
    """Knows no broker: offsets go in with the requests and come out as what may be committed."""

    def __init__(self) -> None:
        self._ready: list[Pending] = []
        self._parked: dict[str | None, list[Pending]] = {}
        self._open: dict[int, dict[int, None]] = {}
        self._next: dict[int, int] = {}
        self._committed: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(len(offsets) for offsets in self._open.values())

    def take(self, pending: Pending) -> None:
        """A request was read, in the order of its partition; after a new start of the reading perhaps once more."""
        self.open(pending.origin)
        self._ready.append(pending)

    def open(self, origin: Origin) -> None:
        """The record at `origin` is not to be committed before it is settled."""
        self._open.setdefault(origin.partition, {})[origin.offset] = None
        self._next[origin.partition] = max(origin.offset + 1, self._next.get(origin.partition, 0))

    def settle(self, origin: Origin) -> None:
        """The log shows what became of the record at `origin`; a record settled twice stays settled."""
        self._open.get(origin.partition, {}).pop(origin.offset, None)

    def park(self, pending: Pending, job_id: str | None) -> None:
        """Ask again when the job settles, or when the registry moves (`None`)."""
        self._parked.setdefault(job_id, []).append(pending)

    def again(self, pending: Iterable[Pending]) -> None:
        """Decide them now."""
        self._ready.extend(pending)

    def awaits(self, job_id: str | None) -> bool:
        """True when a request is parked for that job."""
        return job_id in self._parked

    def wake(self, job_ids: Iterable[str | None]) -> None:
        if self._parked:
            for job_id in job_ids:
                self._ready.extend(self._parked.pop(job_id, ()))

    def drain(self) -> list[Pending]:
        """Return the requests to decide now, and forget them."""
        ready, self._ready = self._ready, []
        return ready

    def committable(self) -> dict[int, int]:
        """Partition → the offset to commit (the next to be read), only where it has moved since the last call."""
        moved = {}
        for partition, upcoming in self._next.items():
            offset = next(iter(self._open.get(partition, ())), upcoming)
            if offset > self._committed.get(partition, 0):
                moved[partition] = self._committed[partition] = offset
        return moved


Offsets = Mapping[int, int]
"""Partition → offset."""


class EarlyCancels:
    def __init__(self) -> None:
        self._kept: list[Pending] = []
        self._ends: dict[Origin, Offsets | None] = {}

    def keep(self, pending: Pending, positions: Offsets) -> bool:
        """Take a request that was refused, if that may change; `positions` are the next offsets to be read."""
        if not isinstance(pending.request, CancelRequest):
            return False
        ends = self._ends.setdefault(pending.origin, None)
        if ends is not None and all(positions.get(partition, 0) >= end for partition, end in ends.items()):
            return False
        self._kept.append(pending)
        return True

    def take(self) -> list[Pending]:
        """All that are kept, to be asked again."""
        kept, self._kept = self._kept, []
        self._ends = {one.origin: self._ends[one.origin] for one in kept}
        return kept

    def unbounded(self) -> list[Origin]:
        """List the cancels whose read-until offsets are not known yet."""
        return [one.origin for one in self._kept if self._ends[one.origin] is None]

    def bound(self, origins: Iterable[Origin], ends: Offsets) -> None:
        """Their jobs, if there are any, stand before `ends`."""
        self._ends |= dict.fromkeys((origin for origin in origins if origin in self._ends), ends)
