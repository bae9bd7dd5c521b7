"""Index of jobs by age, with exact counts by status, for lists that show the newest first.

Ended jobs are in one sorted list for each final status; the others are few and in a dict.
"""

from collections.abc import Collection, Iterator
from heapq import merge
from itertools import islice

from sortedcontainers import SortedList

from mist_domain.job import Status
from mist_gateway.projection.entry import Entry, Order, PendingStart

_FINAL = {Status.FINISHED.word, Status.FAILED.word, Status.CANCELED.word}
STATUSES = ("initialized", "queued", "started", "finished", "canceled", "failed")


class JobIndex:
    """Index of entries. Call `update` after each change of an entry; a repeated call changes nothing."""

    def __init__(self) -> None:
        self._live: dict[str, Entry] = {}
        self._ended: dict[str, SortedList[Order]] = {status: SortedList() for status in _FINAL}

    def update(self, entry: Entry) -> None:
        """Index an entry that is new, or that has ended."""
        order = entry.order
        if order is None:
            return
        if entry.final:
            ended = self._ended[entry.status]
            if self._live.pop(order[1], None) is not None or order not in ended:
                ended.add(order)
        else:
            self._live[order[1]] = entry

    def drop(self, entry: PendingStart) -> None:
        """Forget a request that became no job."""
        if self._live.get(entry.job_id) is entry:
            del self._live[entry.job_id]

    def newest(self, statuses: Collection[str], offset: int, limit: int) -> list[str]:
        """List job ids, the newest first; no `statuses` means all."""
        return list(islice(self.newest_first(statuses), offset, offset + limit))

    def newest_first(self, statuses: Collection[str]) -> Iterator[str]:
        """Iterate over job ids, the newest first. Use it up before anything changes."""
        return (order[1] for order in self._all(statuses))

    def total(self, statuses: Collection[str] = ()) -> int:
        counts = self.counts()
        return sum(counts[status] for status in set(statuses or STATUSES))

    def counts(self) -> dict[str, int]:
        """Count the jobs in each status."""
        counts = dict.fromkeys(STATUSES, 0)
        for entry in self._live.values():
            counts[entry.status] += 1
        for status, orders in self._ended.items():
            counts[status] = len(orders)
        return counts

    def _all(self, statuses: Collection[str]) -> Iterator[Order]:
        live = sorted(
            (
                entry.order
                for entry in self._live.values()
                if entry.order is not None and (not statuses or entry.status in statuses)
            ),
            reverse=True,
        )
        ended = [reversed(self._ended[status]) for status in _FINAL if not statuses or status in statuses]
        return merge(live, *ended, reverse=True)
