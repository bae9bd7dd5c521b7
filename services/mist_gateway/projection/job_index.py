"""Jobs in the order of their age, with exact counts by status, for lists that show the newest first.

Jobs that are over stand in one sorted list for each final status; those that are not are few and stand in a dict.
"""

from collections.abc import Collection, Iterator
from heapq import merge
from itertools import islice

from sortedcontainers import SortedList

from mist_domain.job import Status, shown
from mist_gateway.projection.entry import JobRow, Order, PendingStart

Entry = JobRow | PendingStart

_FINAL = {Status.FINISHED.word, Status.FAILED.word, Status.CANCELED.word}
STATUSES = ("initialized", "queued", "started", "finished", "canceled", "failed")


def entry_status(entry: Entry) -> str:
    """The status as clients know it."""
    return shown(entry.job) if isinstance(entry, JobRow) else Status.INITIALIZED.word


class JobIndex:
    """Mutable; `place` is called after each change of an entry and may be called again at any time."""

    def __init__(self) -> None:
        self._live: dict[str, Entry] = {}
        self._over: dict[str, SortedList[Order]] = {status: SortedList() for status in _FINAL}

    def place(self, entry: Entry) -> None:
        """A job is new, or became over."""
        order = entry.order
        if order is None:
            return
        if isinstance(entry, JobRow) and entry.job.status.final:
            if self._live.pop(order[1], None) is not None or order not in self._over[entry.job.status.word]:
                self._over[entry.job.status.word].add(order)
        else:
            self._live[order[1]] = entry

    def drop(self, entry: PendingStart) -> None:
        """Forget a request that became nothing."""
        if self._live.get(entry.job_id) is entry:
            del self._live[entry.job_id]

    def newest(self, statuses: Collection[str], offset: int, limit: int) -> list[str]:
        """Job ids, the newest first; no `statuses` means all."""
        return list(islice(self.newest_first(statuses), offset, offset + limit))

    def newest_first(self, statuses: Collection[str]) -> Iterator[str]:
        """All of them; to be used up before anything changes."""
        return (order[1] for order in self._all(statuses))

    def total(self, statuses: Collection[str] = ()) -> int:
        counts = self.counts()
        return sum(counts[status] for status in set(statuses or STATUSES))

    def counts(self) -> dict[str, int]:
        """How many jobs stand in each status."""
        counts = dict.fromkeys(STATUSES, 0)
        for entry in self._live.values():
            counts[entry_status(entry)] += 1
        for status, orders in self._over.items():
            counts[status] = len(orders)
        return counts

    def _all(self, statuses: Collection[str]) -> Iterator[Order]:
        live = sorted(
            (
                entry.order
                for entry in self._live.values()
                if entry.order is not None and (not statuses or entry_status(entry) in statuses)
            ),
            reverse=True,
        )
        over = [reversed(self._over[status]) for status in _FINAL if not statuses or status in statuses]
        return merge(live, *over, reverse=True)
