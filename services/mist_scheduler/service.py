"""The scheduler's loop: fold what was read, decide, append. Every decision is made in the domain."""

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any, get_args

import structlog

from mist_domain.errors import RefusalError
from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import JobEvent, JobInitialized
from mist_domain.facts.registry import RegistryEvent
from mist_domain.facts.requests import (
    CancelRequest,
    Origin,
    PrepareWorkerRequest,
    Request,
    StartRequest,
    StopWorkerRequest,
    job_id_of,
    request_id_at,
)
from mist_domain.scheduling.cluster import NO_CHANGES, Changes, Cluster, merged
from mist_domain.scheduling.jobs import Decision
from mist_domain.wire.start_request import read_request
from mist_eventlog import (
    Appender,
    Codec,
    GroupTail,
    Leadership,
    OutageError,
    PoisonError,
    Record,
    SchemaPendingError,
    Tail,
    dead_letter,
)
from mist_eventlog.topics.names import HOSTS, JOB_EVENTS, REGISTRY, REQUESTS
from mist_runtime.tracing import Headers, TraceContexts, begin_span, headers_of, trace_headers
from mist_scheduler.intake import EarlyCancels, Intake, Pending
from mist_scheduler.settings import SchedulerSettings
from mist_scheduler.step import TickClock, step

MAX_WAIT = 1.0
OWNERSHIP_PAUSE = 0.1
COMMIT_PAUSE = 0.5

log = structlog.get_logger("mist.scheduler")


class Scheduler:
    """One instance. It decides only while it owns the requests; otherwise it folds and stands by."""

    def __init__(
        self,
        scheduler_id: str,
        settings: SchedulerSettings,
        codec: Codec,
        appender: Appender,
        tail: Tail,
        *,
        member: str | None = None,
    ) -> None:
        """`member`: its static name in the consumer group, if it has one."""
        self.scheduler_id = scheduler_id
        self.cluster = Cluster(scheduler_id, int(settings.tick_seconds * 1000))
        self.intake = Intake[Record]()
        self._changes = NO_CHANGES
        self._settings = settings
        self._codec = codec
        self._appender = appender
        self._tail = tail
        self._leadership = Leadership(tail, on_change=self._start_afresh)
        self._clock = TickClock(settings.tick_seconds)
        self._requests = GroupTail(
            settings.kafka_address(),
            REQUESTS,
            settings.scheduler_group,
            session_timeout=settings.scheduler_session_seconds,
            instance=member,
            on_change=self._leadership.ownership_changed,
        )
        self._early = EarlyCancels[Record]()
        self._traces = TraceContexts()
        self._reads: dict[str, asyncio.Task[list[Record]]] = {}
        self._aside: set[asyncio.Task[None]] = set()
        self._commit_at = 0.0
        self._committing: asyncio.Task[None] | None = None

    # -- the loop ------------------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """True while this instance decides; false for a standby."""
        return self._leadership.active

    def lag(self) -> dict[str, int]:
        return self._tail.lag()

    async def replay(self) -> None:
        """Read the log to its end; nothing is decided meanwhile."""
        count = 0
        async for records in self._tail.replay():
            self._fold(records, live=False)
            self._changes = NO_CHANGES
            count += len(records)
        log.info("log-replayed", records=count, jobs=len(self.cluster.jobs.open), ended=len(self.cluster.jobs.ended))

    async def run(self) -> None:
        """Read, decide and append until cancelled."""
        await self._requests.start()
        try:
            await self._turn_for_ever()
        finally:
            await self._leave()

    async def _turn_for_ever(self) -> None:
        reads = self._reads
        try:
            while True:
                self._read_on(reads)
                await asyncio.wait(reads.values(), timeout=self._pause(), return_when=asyncio.FIRST_COMPLETED)
                for name in [name for name, read in reads.items() if read.done()]:
                    self._apply(name, reads.pop(name).result())
                await self._turn()
        finally:
            for read in reads.values():
                read.cancel()

    def _pause(self) -> float:
        """Seconds until the loop turns without a record: for the next tick, or to see whether it owns the requests."""
        return self._clock.wait(self._now(), MAX_WAIT) if self.active else OWNERSHIP_PAUSE

    def _read_on(self, reads: dict[str, asyncio.Task[list[Record]]]) -> None:
        if "log" not in reads:
            reads["log"] = asyncio.create_task(self._tail.next_batch(MAX_WAIT))
        if "requests" not in reads and len(self.intake) < self._settings.max_requests_in_flight:
            reads["requests"] = asyncio.create_task(self._requests.next_batch(MAX_WAIT))

    def _apply(self, name: str, records: list[Record]) -> None:
        if name == "log":
            self._fold(records, live=True)
        else:
            for record in records:
                self._read_request(record)

    async def _turn(self) -> None:
        if await self._leadership.becomes_active():
            self._clock.restart(self._now())
            log.info("scheduler-active", scheduler_id=self.scheduler_id)
        if not self.active:
            self._changes = NO_CHANGES
            return
        self._decide()
        if self._clock.is_due(self._now()):
            self._submit([(HOSTS, self.scheduler_id, self._codec.encode(Tick(scheduler_id=self.scheduler_id)))])
        self._commit()

    # -- reading -------------------------------------------------------------------------------------------------------

    def _fold(self, records: Iterable[Record], *, live: bool) -> None:
        self._changes = merged([self._changes, *(self._fold_record(record, live=live) for record in records)])

    def _fold_record(self, record: Record, *, live: bool) -> Changes:
        try:
            fact = self._codec.decode(record.value)
        except PoisonError as poison:
            self._pass_over(record, poison.reason)
            return NO_CHANGES
        return self._fold_fact(record, fact, live=live)

    def _fold_fact(self, record: Record, fact: object, *, live: bool) -> Changes:
        if record.topic == JOB_EVENTS and isinstance(fact, get_args(JobEvent)):
            return self.cluster.fold_job(fact, record.time, record.partition, record.offset)
        if record.topic == HOSTS and isinstance(fact, HostState | Tick):
            if isinstance(fact, Tick) and fact.scheduler_id == self.scheduler_id:
                self._clock.read_back(self._now())
            return self.cluster.fold_host(fact, record.time, live=live)
        if record.topic == REGISTRY and isinstance(fact, get_args(RegistryEvent)):
            return self.cluster.fold_registry(fact, record.offset, record.time)
        self._pass_over(record, f"a {type(fact).__name__} does not belong here")
        return NO_CHANGES

    def _pass_over(self, record: Record, reason: str) -> None:
        log.warning("record-passed-over", reason=reason, **_place(record))

    def _read_request(self, record: Record) -> None:
        origin = Origin(topic=record.topic, partition=record.partition, offset=record.offset, time=record.time)
        try:
            request = read_request(record.value, self._codec.decode_foreign)
        except SchemaPendingError:
            self.intake.open(origin)
            self._reads[f"{record.partition}/{record.offset}"] = asyncio.create_task(self._await_schema(record))
            return
        except (PoisonError, RefusalError) as error:
            self.intake.open(origin)
            self._bury(record, origin, error.reason if isinstance(error, PoisonError) else error.message)
            return
        if isinstance(request, StopWorkerRequest | PrepareWorkerRequest):
            self.intake.open(origin)
            self.intake.settle(origin)
        else:
            self._keep_trace(request, origin, record)
            self.intake.add(Pending(request, origin, record))

    async def _await_schema(self, record: Record) -> list[Record]:
        """Return the record once its schema is known. The loop waits for this as for one more read; other requests go on."""
        await self._codec.schema_known(record.value)
        return [record]

    def _keep_trace(self, request: Request, origin: Origin, record: Record) -> None:
        """Keep the trace context of a start request that carries one, until its job is decided."""
        if isinstance(request, StartRequest) and trace_headers(record.headers):
            job_id = job_id_of(request.endpoint, request.request_id or request_id_at(origin))
            self._traces.keep(job_id, record.headers)

    # -- appending -----------------------------------------------------------------------------------------------------

    def _decide(self) -> None:
        self.intake.retry(self._early.pop_all())
        outcome = step(self.cluster, self.intake, self._changes)
        self._changes = NO_CHANGES
        if outcome.decisions:
            self._submit_decisions(outcome.decisions)
        self._submit([(REQUESTS, request.host_id, self._codec.encode(request)) for request in outcome.preparations])
        for pending, reason in outcome.refused:
            self._refuse(pending, reason)
        if self._early.unbounded():
            self._run_aside(self._bound(self._early, self._early.unbounded()))

    def _submit_decisions(self, decisions: list[Decision]) -> None:
        """Append all decisions together, except those of a traced request: their records carry the trace on."""
        encode, together = self._codec.encode, []
        for decision in decisions:
            items = [(JOB_EVENTS, event.job_id, encode(event)) for event in decision.events]
            parent = self._traces.pop(decision.job_id) if isinstance(decision.events[0], JobInitialized) else ()
            if parent:
                span = begin_span("decide", parent, {"job_id": decision.job_id})
                self._submit(items, headers_of(span))
                span.end()
            else:
                together += items
        self._submit(together)

    def _submit(self, items: list[tuple[str, str, bytes]], headers: Headers = ()) -> None:
        """Append without waiting: the fold waits, by reading back. A failure ends the process (`Appender.watch`)."""
        self._appender.submit(items, headers)

    def _refuse(self, pending: Pending[Record], reason: str) -> None:
        """Make a dead letter of the request, unless its job may still arrive (an early cancel): then retry."""
        if self._early.keep(pending, self._requests.positions):
            return
        if isinstance(pending.request, CancelRequest) and self.intake.has_parked(None):
            self.intake.park(pending, None)
        else:
            self._bury(pending.record, pending.origin, reason)

    async def _bound(self, early: EarlyCancels[Record], cancels: list[Origin]) -> None:
        with contextlib.suppress(OutageError):  # the next turn asks again
            early.bound(cancels, await self._requests.present_ends())

    def _bury(self, record: Record, origin: Origin, reason: str) -> None:
        log.warning("dead-letter", reason=reason, **_place(record))
        self._run_aside(self._bury_and_settle(record, origin, reason))

    def _run_aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _bury_and_settle(self, record: Record, origin: Origin, reason: str) -> None:
        intake = self.intake
        await dead_letter(self._appender, record, reason)
        intake.settle(origin)

    # -- ownership -----------------------------------------------------------------------------------------------------

    def _start_afresh(self) -> None:
        """Drop the requests that were read as owner: another owner, or this one again, reads them anew."""
        self.intake, self._early = Intake[Record](), EarlyCancels[Record]()

    def _commit(self) -> None:
        busy = self._committing is not None and not self._committing.done()
        if busy or self._now() < self._commit_at:
            return
        offsets = self.intake.committable()
        if offsets:
            self._committing = asyncio.create_task(self._requests.commit(offsets))
        self._commit_at = self._now() + COMMIT_PAUSE

    async def _leave(self) -> None:
        if self.active:
            await asyncio.gather(*self._aside, return_exceptions=True)
            offsets = self.intake.committable()
            if offsets:
                await self._requests.commit(offsets)
        await self._requests.stop()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _place(record: Record) -> dict[str, object]:
    return {"topic": record.topic, "partition": record.partition, "offset": record.offset}
