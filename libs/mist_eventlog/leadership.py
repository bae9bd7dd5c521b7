"""Active and standby: of a service's instances one acts, the others fold the log and wait.

The consumer group of a topic chooses the member. It acts once it has read everything its predecessor appended.
"""

from collections.abc import Callable

import structlog

from mist_eventlog.record import Partition
from mist_eventlog.tail import Tail

log = structlog.get_logger("mist.eventlog")


class Leadership:
    """`active` is true from the moment this member has caught up until the group chooses another one.

    `ownership_changed` is the `on_change` of the member's `GroupTail`; `tail` reads the topics that the service writes.
    """

    def __init__(self, tail: Tail, *, on_change: Callable[[], None]) -> None:
        """`on_change` is called when ownership was won or lost; the service is a standby at that moment."""
        self.active = False
        self._tail = tail
        self._on_change = on_change
        self._owner = False
        self._changes = 0
        self._catch_up: dict[Partition, int] | None = None

    def ownership_changed(self, owned: frozenset[int]) -> None:
        """Note the partitions that this member owns now: all of them, or none."""
        self._owner, self.active, self._catch_up = bool(owned), False, None
        self._changes += 1
        log.info("ownership-changed", partitions=len(owned))
        self._on_change()

    async def becomes_active(self) -> bool:
        """Check once per turn of the service's loop. True at the turn in which this member becomes active.

        A new owner first reads up to the ends that the log has now. Raises `OutageError`.
        """
        if self.active or not self._owner or not await self._ends_are_known():
            return False
        positions, waiting = self._tail.positions, self._catch_up or {}
        self._catch_up = {partition: end for partition, end in waiting.items() if positions[partition] < end}
        self.active = not self._catch_up
        return self.active

    async def _ends_are_known(self) -> bool:
        """Ask Kafka for the ends, once; false when ownership changed meanwhile."""
        if self._catch_up is None:
            asked_at = self._changes
            ends = await self._tail.present_ends()
            if asked_at != self._changes:
                return False
            self._catch_up = dict(ends)
        return True
