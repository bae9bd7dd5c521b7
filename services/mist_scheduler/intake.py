"""Requests on their way to a decision: which are ready, which wait, and what may be committed. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from mist_domain.facts.requests import CancelRequest, Origin, StartRequest

Kept = TypeVar("Kept")
"""The record of a request, as the log has it. Nothing here looks into it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pending(Generic[Kept]):
    """A request that was read and is not settled, with its position and its record."""

    request: StartRequest | CancelRequest
    origin: Origin
    record: Kept


class Intake(Generic[Kept]):
    """Requests by state: ready, parked until something changes, open until the log shows their effect.

    Offsets come in with the requests, and go out as what may be committed.
    """

    def __init__(self) -> None:
        self._ready: list[Pending[Kept]] = []
        self._parked: dict[str | None, list[Pending[Kept]]] = {}
        self._open: dict[int, dict[int, None]] = {}
        self._next: dict[int, int] = {}
        self._committed: dict[int, int] = {}

    def __len__(self) -> int:
        return sum(len(offsets) for offsets in self._open.values())

    def add(self, pending: Pending[Kept]) -> None:
        """Add a request, in the order of its partition; one that is read again is added again."""
        self.open(pending.origin)
        self._ready.append(pending)

    def open(self, origin: Origin) -> None:
        """Hold back the commit of the record at `origin` until it is settled."""
        self._open.setdefault(origin.partition, {})[origin.offset] = None
        self._next[origin.partition] = max(origin.offset + 1, self._next.get(origin.partition, 0))

    def settle(self, origin: Origin) -> None:
        """Release the record at `origin`: the log shows its effect. A record settled twice stays settled."""
        self._open.get(origin.partition, {}).pop(origin.offset, None)

    def park(self, pending: Pending[Kept], job_id: str | None) -> None:
        """Set a request aside until the job settles, or until the registry changes (`None`)."""
        self._parked.setdefault(job_id, []).append(pending)

    def retry(self, pending: Iterable[Pending[Kept]]) -> None:
        """Make the requests ready again."""
        self._ready.extend(pending)

    def has_parked(self, job_id: str | None) -> bool:
        """True when a request is parked for that job."""
        return job_id in self._parked

    def wake(self, job_ids: Iterable[str | None]) -> None:
        """Make ready what is parked for these jobs."""
        if self._parked:
            for job_id in job_ids:
                self._ready.extend(self._parked.pop(job_id, ()))

    def drain(self) -> list[Pending[Kept]]:
        """Return the requests to decide now, and forget them."""
        ready, self._ready = self._ready, []
        return ready

    def committable(self) -> dict[int, int]:
        """Map each partition to the offset to commit, the next to be read; only where it has changed since the last call."""
        moved = {}
        for partition, upcoming in self._next.items():
            offset = next(iter(self._open.get(partition, ())), upcoming)
            if offset > self._committed.get(partition, 0):
                moved[partition] = self._committed[partition] = offset
        return moved


Offsets = Mapping[int, int]
"""Partition → offset."""


class EarlyCancels(Generic[Kept]):
    """Cancels of jobs that are not known yet: the start may be unread in another partition.

    Each is retried until its job is known, or until all that the log held when the cancel was read has been read.
    """

    def __init__(self) -> None:
        self._kept: list[Pending[Kept]] = []
        self._ends: dict[Origin, Offsets | None] = {}

    def keep(self, pending: Pending[Kept], positions: Offsets) -> bool:
        """Keep a refused request if its job may still come. `positions` are the next offsets to be read. True when kept."""
        if not isinstance(pending.request, CancelRequest):
            return False
        ends = self._ends.setdefault(pending.origin, None)
        if ends is not None and all(positions.get(partition, 0) >= end for partition, end in ends.items()):
            return False
        self._kept.append(pending)
        return True

    def pop_all(self) -> list[Pending[Kept]]:
        """Return all cancels that are kept, to be decided again."""
        kept, self._kept = self._kept, []
        self._ends = {pending.origin: self._ends[pending.origin] for pending in kept}
        return kept

    def unbounded(self) -> list[Origin]:
        """List the cancels whose read-until offsets are not known yet."""
        return [pending.origin for pending in self._kept if self._ends[pending.origin] is None]

    def bound(self, origins: Iterable[Origin], ends: Offsets) -> None:
        """Note the read-until offsets of these cancels: their jobs, if any, were requested before `ends`."""
        self._ends |= dict.fromkeys((origin for origin in origins if origin in self._ends), ends)
