"""One gateway from start to end: waits for Kafka, replays, follows, and ends the process when it can no longer follow.

HTTP is served all the while; `reason` says why the API cannot be used yet, `None` once it can.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from faust.contrib.asgi import bind_to_running_loop

from mist_artifacts import ArtifactStore
from mist_eventlog import (
    Appender,
    LogResetError,
    OutageError,
    Partition,
    Reader,
    RecordMetadata,
    Tail,
    committed,
    wait_for_kafka,
)
from mist_eventlog.topics.names import HOSTS, JOB_EVENTS, REGISTRY, REQUESTS
from mist_gateway.projection.faust_tables import LogTable, Tables, add_tables, new_app
from mist_gateway.projection.job_index import Entry
from mist_gateway.projection.job_logs import LiveLogs
from mist_gateway.projection.lag import Lag
from mist_gateway.projection.requests import RequestsLog
from mist_gateway.projection.state import Projection
from mist_gateway.settings import GatewaySettings
from mist_runtime.tracing import Headers

log = structlog.get_logger("mist.gateway")

WATCH_PAUSE = 1.0
CHECK_PAUSE = 10.0
STOP_LIMIT = 5.0
LOOK_LIMIT = 2.0


class CrashedError(Exception):
    """The gateway no longer follows the log: its tables would be a frozen picture."""


class Gateway:
    """`state` may be read at any time; the connections are there once `reason` is `None`."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.started_at = int(time.time() * 1000)
        self.codec = settings.codec()
        self.projection = Projection(self.codec.decode, self._offsets)
        self.reason: str | None = "Mist is starting: it waits for Kafka."
        self.lagging: str | None = None
        self.lag: dict[str, int] = {}
        self.reader = Reader(settings.kafka_address())
        self.appender = Appender(settings.kafka_address(), time_limit=settings.outage_seconds)
        self.live_logs = LiveLogs(settings.kafka_address(), self.codec, self.projection.feed, self.reader)
        self.store = ArtifactStore(settings.artifacts)
        self._tables: Tables | None = None
        self._requests: RequestsLog | None = None
        self._seen: set[str] = set()

    @property
    def tables(self) -> Tables:
        if self._tables is None:
            raise LookupError("the gateway has no tables before it found Kafka")
        return self._tables

    def folding(self) -> tuple[LogTable, ...]:
        """The tables, none before Kafka was found."""
        return self._tables.all if self._tables is not None else ()

    def not_ready(self) -> str | None:
        """Why the API cannot be used now; `None` when it can."""
        if self.reason is None and self.tables.app.rebalancing:
            return "Mist is finding its place in Kafka again."
        return self.reason

    async def run(self) -> None:
        """Run until cancelled; whatever this raises ends the process, and a restart replays the log."""
        await self._wait_for_kafka()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.reader)
            await stack.enter_async_context(self.appender)
            self._tables = add_tables(
                new_app(self.settings.kafka_address(), self.settings.state / "gateway"), self.projection
            )
            self.reason = "Mist is starting: it reads the log."
            await self._warm()
            offsets = await self._committed()
            tail = await stack.enter_async_context(
                Tail(self.settings.kafka_address(), [REQUESTS], offsets=offsets, gather=0.1)
            )
            self._requests = RequestsLog(tail, self.codec, self.projection.jobs)
            await self._requests.replay()
            await stack.enter_async_context(self._faust())
            self.reason = None
            log.info(
                "gateway-ready", jobs=len(self.projection.jobs.rows), registry_offset=self.projection.registry_offset
            )
            await self._follow(self._requests)

    async def append(self, topic: str, key: str, value: bytes, headers: Headers = ()) -> RecordMetadata:
        """Append a request. Raises `OutageError`, or `TimeoutError` when Kafka takes too long: it may still be appended.

        While Kafka takes nothing, no more is put behind what waits for it: a client sends it again.
        """
        if self.appender.stalled() > self.settings.append_timeout:
            raise TimeoutError
        appended = self.appender.submit([(topic, key, value)], headers)
        async with asyncio.timeout(self.settings.append_timeout):
            return (await asyncio.shield(appended))[0]

    async def find_job(self, job_id: str) -> Entry | None:
        """The job. Before it is called unknown, all is taken that stands in the log by now: another gateway's too."""
        entry = self.projection.jobs.find(job_id)
        if entry is None:
            await self._read_jobs(job_id)
            entry = self.projection.jobs.find(job_id)
        return entry

    async def read_registry(self) -> None:
        """Take the registry as it stands in the log by now."""
        ends = await self._ends(REGISTRY)
        for partition, end in ends.items():
            await self.tables.registry.wait_applied(partition, end - 1, LOOK_LIMIT)

    async def _read_jobs(self, job_id: str) -> None:
        partition = self.appender.partition_of(JOB_EVENTS, job_id)
        requests, events = await asyncio.gather(self._ends(REQUESTS), self._ends(JOB_EVENTS))
        if self._requests is not None:
            await self._requests.wait_read(requests, REQUESTS, LOOK_LIMIT)
        await self.tables.jobs.wait_applied(partition, events.get(partition, 0) - 1, LOOK_LIMIT)

    def _offsets(self) -> list[int]:
        return self.tables.jobs.offsets()

    async def _wait_for_kafka(self) -> None:
        def tell(outage: str) -> None:
            self.reason = f"Mist is starting: {outage}."

        await wait_for_kafka(self.settings.kafka_address(), tell)

    async def _warm(self) -> None:
        """Fold the log up to its end in bulk: many times faster than Faust's own recovery."""
        tables = {table.topic: table for table in self.tables.all}
        began, count = time.monotonic(), 0
        async with Tail(self.settings.kafka_address(), (JOB_EVENTS, HOSTS, REGISTRY)) as tail:
            for (topic, partition), begin in tail.positions.items():
                tables[topic].begin_at({partition: begin})
            async for records in tail.replay():
                count += len(records)
                for record in records:
                    table = tables[record.topic]
                    table.apply_one(table.place(record.partition), record.offset, record.value, record.time)
                await asyncio.sleep(0)
        log.info("log-replayed", records=count, seconds=round(time.monotonic() - began, 3))

    async def _committed(self) -> dict[Partition, int]:
        offsets = await committed(self.settings.kafka_address(), self.settings.scheduler_group, REQUESTS)
        return {(REQUESTS, partition): offset for partition, offset in offsets.items()}

    @asynccontextmanager
    async def _faust(self) -> AsyncIterator[None]:
        app = self.tables.app
        bind_to_running_loop(app)
        app.finalize()
        self.reason = "Mist is starting: it begins to follow Kafka."
        try:
            async with asyncio.timeout(self.settings.start_timeout):
                await app.maybe_start()
                await self._wait_until_following()
            yield
        except TimeoutError as error:
            raise CrashedError("Faust did not begin to follow Kafka in time") from error
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(STOP_LIMIT):
                    await app.stop()

    async def _wait_until_following(self) -> None:
        app = self.tables.app
        while app.rebalancing or not app.tables.actives_ready:
            self._refuse_crash()
            await asyncio.sleep(0.02)

    async def _follow(self, requests: RequestsLog) -> None:
        """Everything that has to go on as long as the gateway does; the first to end ends all."""
        async with asyncio.TaskGroup() as group:
            group.create_task(requests.follow())
            group.create_task(self.appender.watch())
            group.create_task(self._watch_faust())
            group.create_task(self._watch_log())

    async def _watch_faust(self) -> None:
        while True:
            self._refuse_crash()
            await asyncio.sleep(WATCH_PAUSE)

    def _refuse_crash(self) -> None:
        app = self.tables.app
        if app.crashed or app.should_stop:
            self.reason = "Mist stopped following Kafka and is about to restart."
            raise CrashedError(f"Faust stopped: {app.crash_reason!r}")

    async def _watch_log(self) -> None:
        """A topic made anew ends below what was folded; one that is read no more is left behind; so are dead requests."""
        lags = {table.topic: Lag(table.topic) for table in self.tables.all}
        while True:
            for table in self.tables.all:
                await self._check_table(table, lags[table.topic])
            self.lag = {topic: lag.behind for topic, lag in lags.items()}
            self.lagging = next((lag.sentence for lag in lags.values() if lag.behind), None)
            await self._drop_refused()
            await asyncio.sleep(CHECK_PAUSE)

    async def _check_table(self, table: LogTable, lag: Lag) -> None:
        read = table.offsets()  # before the ends are asked for: what is read meanwhile lies beyond them
        ends = await self._ends(table.topic)
        for partition, end in ends.items():
            if end <= read[partition]:
                raise LogResetError(f"{table.topic}/{partition} ends at {end}, below what was read: it was made anew")
        lag.check(read, ends)
        if lag.frozen:
            self.reason = "Mist stopped following Kafka and is about to restart."
            raise CrashedError(
                f"nothing of {table.topic} was read for {CHECK_PAUSE:.0f} s, though {lag.behind} records wait"
            )

    async def _ends(self, topic: str) -> dict[int, int]:
        try:
            return await self.reader.ends(topic)
        except OutageError as outage:
            log.warning("kafka-awaited", kafka=self.settings.kafka, reason=str(outage))
            return {}

    async def _drop_refused(self) -> None:
        """Requests that were there a while ago already, and that the schedulers are done with, became no job."""
        pending = self.projection.jobs.pending
        old, self._seen = self._seen & set(pending), set(pending)
        if old:
            with contextlib.suppress(OutageError):
                offsets = await committed(self.settings.kafka_address(), self.settings.scheduler_group, REQUESTS)
                self.projection.jobs.drop_refused(old, offsets)
