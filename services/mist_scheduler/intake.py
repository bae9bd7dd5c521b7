"""Requests that were read but whose effect the fold does not show yet, and so the offsets that may be committed."""

from collections.abc import Iterable
from dataclasses import dataclass

from mist_domain.requests import CancelRequest, Origin, StartRequest
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
        """Whether a request is parked there."""
        return job_id in self._parked

    def wake(self, job_ids: Iterable[str | None]) -> None:
        if self._parked:
            for job_id in job_ids:
                self._ready.extend(self._parked.pop(job_id, ()))

    def drain(self) -> list[Pending]:
        """What is to be decided now."""
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
