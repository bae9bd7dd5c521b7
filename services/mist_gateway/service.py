"""One gateway from start to end: it waits for Kafka, replays, follows, and ends when it can follow no longer.

HTTP is served all the while; `not_ready` gives the reason why the API cannot be used yet.
"""

import asyncio
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import structlog

from mist_artifacts import ArtifactStore
from mist_eventlog import Appender, Reader, RecordMetadata, wait_for_kafka
from mist_eventlog.topics.names import JOB_EVENTS, REGISTRY
from mist_gateway.projection.entry import Entry
from mist_gateway.projection.follower import READ_LIMIT, Follower
from mist_gateway.projection.job_logs import LiveLogs
from mist_gateway.projection.requests import RequestsLog, open_requests
from mist_gateway.projection.state import Projection
from mist_gateway.settings import GatewaySettings
from mist_runtime.tracing import Headers

log = structlog.get_logger("mist.gateway")


class Gateway:
    """The projection, the log and the artifact store, for commands and queries.

    `projection` may be read at any time; the connections are up once `not_ready()` is `None`.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.started_at = int(time.time() * 1000)
        self.codec = settings.codec()
        self.projection = Projection(self.codec.decode, lost_after_ms=settings.host_lost_after_ms)
        self.reader = Reader(settings.kafka_address())
        self.appender = Appender(settings.kafka_address(), time_limit=settings.outage_seconds)
        self.live_logs = LiveLogs(settings.kafka_address(), self.codec, self.projection.feed, self.reader)
        self.store = ArtifactStore(settings.artifacts)
        self.follower: Follower | None = None
        self._requests: RequestsLog | None = None
        self._starting: str | None = "it waits for Kafka"

    def not_ready(self) -> str | None:
        """Reason why the API cannot be used now; `None` when it can."""
        if self.follower is not None and self.follower.crashed:
            return "Mist stopped following Kafka and is about to restart."
        if self._starting is not None:
            return f"Mist is starting: {self._starting}."
        if self.follower is not None and self.follower.rebalancing:
            return "Mist is finding its place in Kafka again."
        return None

    @property
    def lagging(self) -> str | None:
        """Reason why answers are old; `None` when they are not."""
        return None if self.follower is None else self.follower.lag_sentence

    async def run(self) -> None:
        """Run until cancelled; whatever this raises ends the process, and a restart replays the log."""
        await wait_for_kafka(self.settings.kafka_address(), self._note_outage)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.reader)
            await stack.enter_async_context(self.appender)
            self._starting = "it reads the log"
            follower = self.follower = self._new_follower()
            await follower.replay()
            requests = self._requests = await stack.enter_async_context(self._open_requests(follower))
            await requests.replay()
            self._starting = "it begins to follow Kafka"
            await stack.enter_async_context(follower.following())
            self._starting = None
            log.info("gateway-ready", jobs=len(self.projection.jobs), registry_offset=self.projection.registry_offset)
            await self._follow(follower, requests)

    async def append(self, topic: str, key: str, value: bytes, headers: Headers = ()) -> RecordMetadata:
        """Append a request. Raises `OutageError`, or `TimeoutError` when Kafka is slow: it may still be appended.

        While Kafka acknowledges nothing, no more is queued behind what waits for it: a client sends it again.
        """
        if self.appender.stalled() > self.settings.append_timeout:
            raise TimeoutError
        appended = self.appender.submit([(topic, key, value)], headers)
        async with asyncio.timeout(self.settings.append_timeout):
            return (await asyncio.shield(appended))[0]

    async def find_job(self, job_id: str) -> Entry | None:
        """Find a job. An unknown one is looked for up to the log's present end: another gateway may have started it."""
        entry = self.projection.jobs.find(job_id)
        if entry is None and self.follower is not None and self._requests is not None:
            partition = self.appender.partition_of(JOB_EVENTS, job_id)
            await asyncio.gather(self._requests.catch_up(), self.follower.catch_up(JOB_EVENTS, partition))
            entry = self.projection.jobs.find(job_id)
        return entry

    async def read_registry(self) -> None:
        """Fold the registry up to the log's present end."""
        if self.follower is not None:
            await self.follower.catch_up(REGISTRY)

    async def wait_folded(self, topic: str, partition: int, offset: int, limit: float = READ_LIMIT) -> bool:
        """Wait, `limit` seconds at most, until the projection shows the record. True when it does."""
        return self.follower is not None and await self.follower.wait_folded(topic, partition, offset, limit)

    def _note_outage(self, outage: str) -> None:
        self._starting = outage

    def _new_follower(self) -> Follower:
        return Follower(
            self.settings.kafka_address(),
            self.reader,
            self.projection,
            folder=self.settings.state / "gateway",
            start_timeout=self.settings.start_timeout,
        )

    def _open_requests(self, follower: Follower) -> AbstractAsyncContextManager[RequestsLog]:
        settings = self.settings
        return open_requests(
            settings.kafka_address(), follower.ends, self.codec, self.projection.jobs, group=settings.scheduler_group
        )

    async def _follow(self, follower: Follower, requests: RequestsLog) -> None:
        """Run everything that lasts as long as the gateway; the first to end ends all."""
        async with asyncio.TaskGroup() as group:
            group.create_task(requests.follow())
            group.create_task(requests.drop_refused())
            group.create_task(self.appender.watch())
            group.create_task(follower.watch_faust())
            group.create_task(follower.watch_log())
