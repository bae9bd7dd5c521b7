"""Cancels of jobs that are not known yet: the start may stand unread in another partition. No I/O.

Each is asked again and again until its job is known, or until all that stood in the log when it was read has been read.
"""

from collections.abc import Iterable, Mapping

from mist_domain.requests import CancelRequest, Origin
from mist_scheduler.intake import Pending

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
        """Those of which it is not known yet up to where is to be read."""
        return [one.origin for one in self._kept if self._ends[one.origin] is None]

    def bound(self, origins: Iterable[Origin], ends: Offsets) -> None:
        """Their jobs, if there are any, stand before `ends`."""
        self._ends |= dict.fromkeys((origin for origin in origins if origin in self._ends), ends)
