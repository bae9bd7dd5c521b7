"""The job table: rows folded from the log, pending start requests, queue lengths, and waits for a job's change.

One event loop reads and writes it; nothing here waits for Kafka.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice

from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.limits import MAX_QUEUED
from mist_domain.facts.registry import DEFAULT_CONTEXT, Context
from mist_domain.facts.requests import Origin, StartRequest, job_id_of, request_id_at
from mist_domain.job import Job, Status
from mist_gateway.projection.entry import Entry, JobRow, PendingStart, Position, fold_job
from mist_gateway.projection.feed import Feed
from mist_gateway.projection.job_index import JobIndex
from mist_gateway.projection.totals import Totals


class QueueLengths:
    """Lengths of the contexts' queues: jobs that are requested or queued and not assigned. Updated job by job."""

    def __init__(self) -> None:
        self._contexts: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def enter(self, job_id: str, context: str) -> None:
        """Count the job in this context, and in no other."""
        self.leave(job_id)
        self._contexts[job_id] = context
        self._counts[context] += 1

    def leave(self, job_id: str) -> None:
        context = self._contexts.pop(job_id, None)
        if context is None:
            return
        self._counts[context] -= 1
        if not self._counts[context]:
            del self._counts[context]

    def waiting(self) -> Iterator[tuple[str, str]]:
        """List each waiting job with its context, the longest waiting first."""
        return iter(list(self._contexts.items()))

    def lengths(self) -> Mapping[str, int]:
        """Count the waiting jobs of each context."""
        return dict(self._counts)

    def why_full(self, context: Context, limit: int = MAX_QUEUED) -> str | None:
        """Explain why the context accepts no further job now; `None` if it does. `limit`: of all contexts together."""
        waiting, total = self._counts[context.name], len(self._contexts)
        if waiting >= context.max_queued:
            return f"context {context.name!r} has {waiting} waiting already, as many as its maxQueued allows"
        if total >= limit:
            return f"{total} jobs wait already, as many as Mist keeps waiting in all"
        return None


_WAITING = {Status.INITIALIZED, Status.QUEUED}


def _named_context(request: StartRequest) -> str:
    return request.context or DEFAULT_CONTEXT


class JobTable:
    """`rows` is a plain dict, which the Faust table uses as its store."""

    def __init__(self, feed: Feed, context_of: Callable[[StartRequest], str] = _named_context) -> None:
        """`context_of` names the context in which a start request will run."""
        self.rows: dict[str, JobRow] = {}
        self.pending: dict[str, PendingStart] = {}
        self.queues = QueueLengths()
        self.all = JobIndex()
        self.totals = Totals()
        self.feed = feed
        self._context_of = context_of
        self._by_endpoint: dict[str, JobIndex] = {}
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def oldest_waiting(self) -> dict[str, int]:
        """Find for each context with waiting jobs the time (ms) at which the first of them was requested."""
        found: dict[str, int] = {}
        for job_id, context in self.queues.waiting():
            entry = self.find(job_id)
            if context not in found and entry is not None and entry.order is not None:
                found[context] = entry.order[0]
        return found

    def find(self, job_id: str) -> Entry | None:
        """Find the job, or its pending request. A row that was never initialized is no job."""
        row = self.rows.get(job_id)
        return row if row is not None and row.order is not None else self.pending.get(job_id)

    def of_endpoint(self, name: str) -> JobIndex | None:
        """Find the jobs of an endpoint, defined or not; `None` when it never had any."""
        return self._by_endpoint.get(name)

    def entries(self, job_ids: Collection[str]) -> list[Entry]:
        return [entry for job_id in job_ids if (entry := self.find(job_id)) is not None]

    def of_worker(self, worker_id: str, statuses: Collection[str], offset: int, limit: int) -> list[Entry]:
        """List the newest jobs that ran or run in a worker of that name."""
        rows = (self.rows.get(job_id) for job_id in self.all.newest_first(statuses))
        found = (row for row in rows if row is not None and row.job.worker_id == worker_id)
        return list(islice(found, offset, offset + limit))

    def fold(self, event: JobEvent, position: Position) -> None:
        """Fold one record of `mist.job-events`."""
        self.feed.advance(position)
        row = self.rows.get(event.job_id)
        before = row.job.status if row is not None else Status.UNKNOWN
        version = row.job.version if row is not None else 0
        row = self.rows[event.job_id] = fold_job(row, event, position)
        if row.job.version == version:
            return
        self._queue(row)
        if before is Status.UNKNOWN:
            self.pending.pop(event.job_id, None)
            self._index(row, row.job.request.endpoint.name)
        elif row.job.status.final:
            self.totals.add(row.job)
            self._index(row, row.job.request.endpoint.name)
        if self.feed.has_listeners(event.job_id):
            self.feed.publish(event, row.job.status, position)
        if event.job_id in self._waiting:
            self._wake(event.job_id)

    def add_request(self, request: StartRequest, origin: Origin) -> str:
        """Add a start request of `mist.requests`; returns the id of its job.

        A request that this gateway appended gets the broker's time when it is read back.
        """
        job_id = job_id_of(request.endpoint, request.request_id or request_id_at(origin))
        known = self.find(job_id)
        if known is None or (isinstance(known, PendingStart) and known.is_at(origin)):
            pending = PendingStart(job_id, request, origin.partition, origin.offset, origin.time)
            self.pending[job_id] = pending
            self.queues.enter(job_id, self._context_of(request))
            self._index(pending, request.endpoint)
        return job_id

    def drop_refused(self, job_ids: Collection[str], committed: Mapping[int, int]) -> None:
        """Forget requests that the schedulers have settled (`committed`: offset by partition) and that became no job."""
        for job_id in job_ids:
            pending = self.pending.get(job_id)
            if pending is not None and pending.offset < committed.get(pending.partition, 0):
                del self.pending[job_id]
                self.queues.leave(job_id)
                self.all.drop(pending)
                self._by_endpoint[pending.request.endpoint].drop(pending)

    async def wait_for(self, job_id: str, done: Callable[[Job], bool], limit: float) -> Job | None:
        """Wait, `limit` seconds at most, until `done` holds for the job; returns the job then, else `None`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while True:
                    row = self.rows.get(job_id)
                    if row is not None and done(row.job):
                        return row.job
                    await self._next_change(job_id)
        return None

    def _queue(self, row: JobRow) -> None:
        if row.job.status in _WAITING:
            self.queues.enter(row.job.job_id, row.job.request.context.name)
        else:
            self.queues.leave(row.job.job_id)

    def _index(self, entry: Entry, endpoint: str) -> None:
        self.all.update(entry)
        index = self._by_endpoint.get(endpoint)
        if index is None:
            index = self._by_endpoint[endpoint] = JobIndex()
        index.update(entry)

    async def _next_change(self, job_id: str) -> None:
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, []).append(change)
        try:
            await change
        finally:
            self._forget(job_id, change)

    def _wake(self, job_id: str) -> None:
        for change in self._waiting.pop(job_id):
            if not change.done():
                change.set_result(None)

    def _forget(self, job_id: str, change: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(job_id, [])
        if change in waiting:
            waiting.remove(change)
            if not waiting:
                del self._waiting[job_id]
