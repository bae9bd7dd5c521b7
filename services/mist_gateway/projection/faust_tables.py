"""A Faust table whose changelog topic is the log itself: state = fold(log), and nothing writes to it but the fold.

Records come from three sides, each record perhaps more than once: from `warm` in bulk before Faust starts, from the
consumer in batches (`transport`), and from Faust's own recovery and tail. `apply_one` takes each offset once.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import faust
import structlog
from faust.tables import TableManager
from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP, EventT

from mist_eventlog import KafkaAddress
from mist_eventlog.topics import partition_counts
from mist_eventlog.topics.names import HOSTS, JOB_EVENTS, REGISTRY
from mist_gateway.projection.entry import Position
from mist_gateway.projection.state import Projection

log = structlog.get_logger("mist.gateway")

REFETCHES = 5
REFETCH_LIMIT = 1.0


Fold = Callable[[bytes, Position], None]
"""Fold one record's bytes into the state. May raise: what it raises is logged and the record passed over."""


class LogTable(faust.Table[str, Any]):
    """Read-only for everybody else: `fold` takes one record into the state; `applied` holds the last offset taken of each partition."""

    def __init__(self, app: faust.App, *, topic: str, partitions: int, fold: Fold) -> None:
        super().__init__(
            app,
            name=topic,
            partitions=partitions,
            changelog_topic=app.topic(
                topic,
                partitions=partitions,
                key_serializer="raw",
                value_serializer="raw",
                acks=False,  # else Faust keeps account of every offset, to commit what is never committed
                internal=True,
                allow_empty=True,
            ),
            recovery_buffer_size=1,  # with 1 Faust goes on tailing the changelog after recovery
        )
        self.topic = topic
        self.fold = fold
        self._places = tuple(TP(topic, partition) for partition in range(partitions))
        self.applied: dict[TP, int] = dict.fromkeys(self._places, -1)
        self.poison = 0
        self.refetches = 0
        self._waiters: dict[TP, list[tuple[int, asyncio.Future[None]]]] = {}
        self._refetching: dict[TP, int] = {}
        self._absent: dict[TP, int] = {}

    def apply_one(self, tp: TP, offset: int, value: bytes | None, at: int) -> None:
        """Take one record, once. Never raises: an exception in here would keep Faust in recovery for ever."""
        if offset <= self.applied[tp]:
            return
        try:
            self.fold(value or b"", Position(tp.partition, offset, at))
        except Exception as error:  # noqa: BLE001 - Faust would stay in recovery for ever
            self.poison += 1
            log.warning("record-passed-over", topic=tp.topic, partition=tp.partition, offset=offset, reason=str(error))
        self.applied[tp] = offset
        if tp in self._waiters:
            self._wake(tp, offset)

    def take(self, tp: TP, records: Iterable[Any]) -> None:
        """Take records as the consumer has them, in the order of their offsets; a gap leaves the rest to Faust."""
        for record in records:
            if record.offset > self.applied[tp] + 1 and self._absent.get(tp) != self.applied[tp] + 1:
                return
            self.apply_one(tp, record.offset, record.value, record.timestamp)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Called by Faust's recovery and tail. A gap means that Faust dropped records: they are fetched again."""
        for event in batch:
            message = event.message
            tp, last = message.tp, self.applied[message.tp]
            if message.offset > last + 1 and self._absent.get(tp) != last + 1:
                self._refetch_from(tp, last)
                continue
            self.apply_one(tp, message.offset, message.value, round(message.timestamp * 1000))

    async def wait_applied(self, partition: int, offset: int, limit: float) -> bool:
        """Wait until the record at `offset` was taken, `limit` seconds at most; whether it was."""
        tp = self._places[partition]
        if self.applied[tp] >= offset:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(tp, []).append((offset, waiter))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await waiter
        return self.applied[tp] >= offset

    def place(self, partition: int) -> TP:
        return self._places[partition]

    def offsets(self) -> list[int]:
        """The last offset taken of each partition."""
        return list(self.applied.values())

    def begin_at(self, begins: Mapping[int, int]) -> None:
        """Where the log begins now (older records were deleted): there is nothing to wait for before that."""
        for partition, begin in begins.items():
            tp = self._places[partition]
            self.applied[tp] = max(self.applied[tp], begin - 1)

    def persisted_offset(self, tp: TP) -> int | None:
        """Where Faust is to go on."""
        return self.applied[tp]

    async def on_recovery_completed(self, _active: set[TP], _standby: set[TP]) -> None:
        """There is no local store to open anew."""
        await self.call_recover_callbacks()

    def on_key_set(self, key: str, _value: Any) -> NoReturn:
        raise self._read_only(key)

    def on_key_del(self, key: str) -> NoReturn:
        raise self._read_only(key)

    def on_clear(self) -> NoReturn:
        raise self._read_only("everything")

    def _read_only(self, key: str) -> TypeError:
        return TypeError(f"{self.topic} is a projection, {key} cannot be written: append to the log instead")

    def _wake(self, tp: TP, offset: int) -> None:
        waiting = self._waiters[tp]
        for wanted, waiter in waiting:
            if wanted <= offset and not waiter.done():
                waiter.set_result(None)
        waiting[:] = [(wanted, waiter) for wanted, waiter in waiting if not waiter.done()]
        if not waiting:
            del self._waiters[tp]

    def _refetch_from(self, tp: TP, last: int) -> None:
        recovery(self.app).active_offsets[tp] = last  # else the record fetched again counts as seen
        if tp not in self._refetching:
            self._refetching[tp] = last + 1
            self.add_future(self._refetch(tp, last + 1))

    async def _refetch(self, tp: TP, expected: int) -> None:
        try:
            for _ in range(REFETCHES):
                self.refetches += 1
                await self.app.consumer.seek_wait({tp: expected})
                if await self.wait_applied(tp.partition, expected, REFETCH_LIMIT):
                    return
            log.error("offset-gap", topic=tp.topic, partition=tp.partition, offset=expected)
            self._absent[tp] = expected
        finally:
            del self._refetching[tp]


def recovery(app: Any) -> Any:
    """Faust's recovery service, which the interface of its table manager does not show."""
    return app.tables.recovery


class BatchConsumer(Consumer):
    """`tables` by topic; a topic without one goes Faust's way."""

    tables: Mapping[str, LogTable] = {}

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Any]]:
        polled = await super()._getmany(active_partitions, timeout)
        return {tp: self._take(tp, records) for tp, records in polled.items()}

    def _take(self, tp: TP, records: list[Any]) -> list[Any]:
        table = self.tables.get(tp.topic)
        if table is None or not records:
            return records
        tp = TP(tp.topic, tp.partition)
        table.take(tp, records)
        return records[-1:] if table.applied[tp] >= records[-1].offset else records


def batch_transport(app: Any, tables: Mapping[str, LogTable]) -> Transport:
    """A transport for one app; set it as `app.transport` before the app starts."""
    consumer = type("TablesConsumer", (BatchConsumer,), {"tables": tables})
    transport = type("BatchTransport", (Transport,), {"Consumer": consumer})
    made: Transport = transport(app.conf.broker_consumer, app)
    return made


@dataclass(frozen=True, slots=True)
class Tables:
    app: faust.App
    jobs: LogTable
    hosts: LogTable
    registry: LogTable

    @property
    def all(self) -> tuple[LogTable, ...]:
        return (self.jobs, self.hosts, self.registry)


class TablesAtHand(TableManager):
    """Faust's own waits a second for tables that agents may yet add; ours are all there before the app starts."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


def new_app(kafka: KafkaAddress, datadir: Path) -> faust.App:
    """Its id is new at each start: replicas share no consumer group, so none ever waits for another."""
    datadir.mkdir(parents=True, exist_ok=True)
    servers = [f"kafka://{server.strip()}" for server in kafka.bootstrap.split(",")]
    return faust.App(
        f"mist-gateway-{uuid.uuid4()}",
        broker=servers,
        broker_credentials=_credentials(kafka),
        store="memory://",
        datadir=str(datadir),
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_request_timeout=15.0,
        broker_request_timeout=30.0,
        broker_session_timeout=15.0,
        broker_heartbeat_interval=3.0,
        stream_wait_empty=False,
        TableManager=TablesAtHand,
    )


def _credentials(kafka: KafkaAddress) -> faust.SASLCredentials | faust.SSLCredentials | None:
    context = kafka.tls()
    if kafka.uses_sasl:
        return faust.SASLCredentials(
            username=kafka.user, password=kafka.password, ssl_context=context, mechanism=kafka.mechanism
        )
    return None if context is None else faust.SSLCredentials(context=context)


def add_tables(app: faust.App, state: Projection) -> Tables:
    """The tables' own stores hold the rows that `state` reads."""
    counts = partition_counts()
    jobs = LogTable(app, topic=JOB_EVENTS, partitions=counts[JOB_EVENTS], fold=state.fold_job)
    hosts = LogTable(app, topic=HOSTS, partitions=counts[HOSTS], fold=state.fold_host)
    registry = LogTable(app, topic=REGISTRY, partitions=counts[REGISTRY], fold=state.fold_registry)
    state.jobs.rows = jobs.data.data
    state.hosts.rows = hosts.data.data
    registry.data.data.update(
        endpoints=state.registry.endpoints, contexts=state.registry.contexts, artifacts=state.registry.artifacts
    )
    for table in (jobs, hosts, registry):
        app.tables.add(table)
    app.transport = batch_transport(app, {table.topic: table for table in (jobs, hosts, registry)})
    return Tables(app, jobs, hosts, registry)
