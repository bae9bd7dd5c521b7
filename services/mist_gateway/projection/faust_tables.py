"""Faust tables whose changelog topic is the log itself: state = fold(log), and nothing writes to it but the fold.

Records arrive on three ways, each perhaps more than once: in bulk from the replay before Faust starts, in batches from
`BatchConsumer`, and from Faust's own recovery and tail. `LogTable.apply` folds each offset once.

This module reaches into faust-streaming 0.15.3 and mode 0.7.1; each place says why. `tests/contract/test_faust.py`
fails where a new release no longer fits.
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
from faust.contrib.asgi import bind_to_running_loop
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
"""Fold one record's bytes into the state. An exception is logged, and the record is passed over."""


class LogTable(faust.Table[str, Any]):
    """A table that `fold` alone writes to. `applied` holds the last offset folded of each partition.

    Overrides what Faust calls on a table: `apply_changelog_batch`, `persisted_offset`, `on_recovery_completed`, and the
    three hooks of a write, which refuse it.
    """

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
        self._partitions = tuple(TP(topic, partition) for partition in range(partitions))
        self.applied: dict[TP, int] = dict.fromkeys(self._partitions, -1)
        self.poison = 0
        self.refetches = 0
        self._waiters: dict[TP, list[tuple[int, asyncio.Future[None]]]] = {}
        self._refetching: dict[TP, int] = {}
        self._absent: dict[TP, int] = {}

    def apply(self, tp: TP, offset: int, value: bytes | None, at: int) -> None:
        """Fold one record, once. Never raises: an exception here would keep Faust in recovery for ever."""
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

    def apply_batch(self, tp: TP, records: Iterable[Any]) -> None:
        """Fold aiokafka's records in the order of their offsets; a gap leaves the rest to Faust."""
        for record in records:
            if record.offset > self.applied[tp] + 1 and self._absent.get(tp) != self.applied[tp] + 1:
                return
            self.apply(tp, record.offset, record.value, record.timestamp)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Fold what Faust's recovery and tail deliver. A gap means that Faust dropped records: they are fetched again."""
        for event in batch:
            message = event.message
            tp, last = message.tp, self.applied[message.tp]
            if message.offset > last + 1 and self._absent.get(tp) != last + 1:
                self._refetch_from(tp, last)
                continue
            self.apply(tp, message.offset, message.value, round(message.timestamp * 1000))

    async def wait_applied(self, partition: int, offset: int, limit: float) -> bool:
        """Wait, `limit` seconds at most, until the record at `offset` is folded. True when it is."""
        tp = self._partitions[partition]
        if self.applied[tp] >= offset:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(tp, []).append((offset, waiter))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await waiter
        return self.applied[tp] >= offset

    def partition(self, partition: int) -> TP:
        return self._partitions[partition]

    def offsets(self) -> list[int]:
        """List the last offset folded of each partition, -1 for none."""
        return list(self.applied.values())

    def start_at(self, starts: Mapping[int, int]) -> None:
        """Set each partition's first offset: older records were deleted, and nobody waits for them."""
        for partition, first in starts.items():
            tp = self._partitions[partition]
            self.applied[tp] = max(self.applied[tp], first - 1)

    def persisted_offset(self, tp: TP) -> int | None:
        """Tell Faust the offset after which it goes on."""
        return self.applied[tp]

    async def on_recovery_completed(self, _active: set[TP], _standby: set[TP]) -> None:
        """Skip the reopening of a local store: there is none."""
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
    """Faust's recovery service, which the interface of its table manager hides (faust-streaming 0.15.3)."""
    return app.tables.recovery


class BatchConsumer(Consumer):
    """Consumer that hands whole batches to the tables, and only the last record of each to Faust.

    Faust's own path costs two tasks and a timer per record. The last record, which its table knows already, is enough
    for Faust's offsets, recovery and gap check. `_getmany` is private in faust-streaming 0.15.3: it is the one place
    that sees a batch. `tables`: by topic; a class attribute, since Faust makes the consumer itself.
    """

    tables: Mapping[str, LogTable] = {}

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Any]]:
        polled = await super()._getmany(active_partitions, timeout)
        return {tp: self._apply(tp, records) for tp, records in polled.items()}

    def _apply(self, tp: TP, records: list[Any]) -> list[Any]:
        table = self.tables.get(tp.topic)
        if table is None or not records:
            return records
        tp = TP(tp.topic, tp.partition)
        table.apply_batch(tp, records)
        return records[-1:] if table.applied[tp] >= records[-1].offset else records


def batch_transport(app: Any, tables: Mapping[str, LogTable]) -> Transport:
    """Make the transport of one app; set it as `app.transport` before the app starts.

    Faust makes consumers from `Transport.Consumer`, a class, so both classes are made anew for each app.
    """
    consumer = type("TablesConsumer", (BatchConsumer,), {"tables": tables})
    transport = type("BatchTransport", (Transport,), {"Consumer": consumer})
    made: Transport = transport(app.conf.broker_consumer, app)
    return made


@dataclass(frozen=True, slots=True)
class Tables:
    """The Faust app and its three tables."""

    app: faust.App
    jobs: LogTable
    hosts: LogTable
    registry: LogTable

    @property
    def all(self) -> tuple[LogTable, ...]:
        return (self.jobs, self.hosts, self.registry)

    @property
    def rebalancing(self) -> bool:
        return bool(self.app.rebalancing)

    @property
    def following(self) -> bool:
        """True once Faust reads the log's new records."""
        return not self.app.rebalancing and bool(self.app.tables.actives_ready)

    @property
    def failure(self) -> str | None:
        """Reason why Faust has stopped; `None` while it has not. It stops without a word to who started it."""
        stopped = self.app.crashed or self.app.should_stop
        return f"Faust stopped: {self.app.crash_reason!r}" if stopped else None

    async def start(self) -> None:
        """Start Faust in this event loop; it would else make one of its own."""
        bind_to_running_loop(self.app)
        self.app.finalize()
        await self.app.maybe_start()

    async def stop(self) -> None:
        await self.app.stop()


class TablesAtHand(TableManager):
    """Table manager without the second of sleep in which Faust 0.15.3 waits for tables of late agents: there are none."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


def new_app(kafka: KafkaAddress, datadir: Path) -> faust.App:
    """Make the app. Its id is new at each start: replicas share no consumer group, so none waits for another."""
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


def add_tables(app: faust.App, projection: Projection) -> Tables:
    """Add the tables. Their stores are the projection's own dicts (`Store.data` of Faust's memory store is a dict)."""
    counts = partition_counts()
    jobs = LogTable(app, topic=JOB_EVENTS, partitions=counts[JOB_EVENTS], fold=projection.fold_job)
    hosts = LogTable(app, topic=HOSTS, partitions=counts[HOSTS], fold=projection.fold_host)
    registry = LogTable(app, topic=REGISTRY, partitions=counts[REGISTRY], fold=projection.fold_registry)
    jobs.data.data = projection.jobs.rows
    hosts.data.data = projection.hosts.rows
    registry.data.data.update(
        endpoints=projection.registry.endpoints,
        contexts=projection.registry.contexts,
        artifacts=projection.registry.artifacts,
    )
    for table in (jobs, hosts, registry):
        app.tables.add(table)
    app.transport = batch_transport(app, {table.topic: table for table in (jobs, hosts, registry)})
    return Tables(app, jobs, hosts, registry)
