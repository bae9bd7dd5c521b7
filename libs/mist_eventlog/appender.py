"""Appends to the log: acknowledged by all replicas, idempotent, in the order of submission within each partition.

Batches are made here and not by aiokafka's accumulator, which is as fast: its `send` must be awaited where a batch is
full, so that one partition without a leader would hold up all others, and it sends on behind a batch that failed.
"""

import asyncio
import contextlib
import functools
import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.errors import OutageError
from mist_eventlog.metrics import APPEND_SECONDS, APPENDED
from mist_eventlog.record import NewRecord, Partition, RecordMetadata
from mist_eventlog.topics import partition_counts

Headers = Sequence[tuple[str, bytes]]


class Submission:
    """Records handed over together; `future` is done when every one is acknowledged."""

    __slots__ = ("_acknowledged", "_missing", "future")

    def __init__(self, count: int) -> None:
        self.future: asyncio.Future[list[RecordMetadata]] = asyncio.get_running_loop().create_future()
        self._acknowledged: list[RecordMetadata] = [RecordMetadata("", 0, 0)] * count
        self._missing = count
        if count == 0:
            self.future.set_result([])

    def acknowledge(self, index: int, metadata: RecordMetadata) -> None:
        """Note where record `index` was appended; the last one completes the future."""
        self._acknowledged[index] = metadata
        self._missing -= 1
        if self._missing == 0 and not self.future.done():
            self.future.set_result(self._acknowledged)

    def fail(self, error: Exception) -> None:
        """Fail the future; an error that nobody awaits is not reported by asyncio, since `Appender.watch` does."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()


Entry = tuple[Submission, int, bytes | None, bytes, Headers]


class Lane:
    """The appends to one partition, in order. After a failure it appends nothing more."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        partition: int,
        time_limit: float,
        failed: Callable[[Exception], None],
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._time_limit = time_limit
        self._failed = failed
        self._waiting: deque[Entry] = deque()
        self._in_flight: list[Entry] = []
        self._task: asyncio.Task[None] | None = None
        self._sent_at: float | None = None

    def put(self, entry: Entry) -> None:
        """Queue a record; it goes with the next batch."""
        self._waiting.append(entry)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def stalled(self) -> float:
        """Seconds since the batch under way was handed to Kafka; 0 when there is none."""
        return 0.0 if self._sent_at is None else time.monotonic() - self._sent_at

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._send_next()
        except Exception as error:  # noqa: BLE001 - where the task ends: every waiting append fails with it
            self._fail(error)
        else:
            self._task = None

    async def _send_next(self) -> None:
        builder = self._producer.create_batch()
        self._fill(builder)
        self._sent_at = time.monotonic()
        base = await self._send(builder)
        APPEND_SECONDS.labels(self._topic).observe(time.monotonic() - self._sent_at)
        APPENDED.labels(self._topic).inc(len(self._in_flight))
        self._sent_at = None
        topic, partition = self._topic, self._partition
        for offset, entry in enumerate(self._in_flight, base):
            entry[0].acknowledge(entry[1], RecordMetadata(topic, partition, offset))

    def _fill(self, builder: BatchBuilder) -> None:
        """Fill one batch from the queue; a record larger than a batch goes alone."""
        waiting = self._waiting
        self._in_flight = batch = []
        while waiting:
            _, _, key, value, headers = waiting[0]
            if builder.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
                break
            batch.append(waiting.popleft())
        builder.close()

    async def _send(self, builder: BatchBuilder) -> int:
        """Send the batch; the offset of its first record. Raises `OutageError`."""
        try:
            async with asyncio.timeout(self._time_limit):
                delivery = await self._producer.send_batch(builder, self._topic, partition=self._partition)
                offset = int((await delivery).offset)
        except (KafkaError, TimeoutError) as error:
            raise OutageError(f"no acknowledgement from {self._topic}/{self._partition}: {error!r}") from error
        if offset < 0:
            raise OutageError(f"{self._topic}/{self._partition} acknowledged a batch without an offset")
        return offset

    def _fail(self, error: Exception) -> None:
        self._failed(error)
        for entry in (*self._in_flight, *self._waiting):
            entry[0].fail(error)
        self._waiting.clear()


LARGEST_VALUE = 8_000_000
_BATCH_BYTES = 1_000_000
_STOP_LIMIT = 5.0
_START_LIMIT = 30.0


class Appender:
    """Appends records. After one failure every later append fails too: the process exits and replays the log."""

    def __init__(
        self,
        kafka: str | KafkaAddress,
        *,
        partitions: Mapping[str, int] | None = None,
        time_limit: float = 30.0,
    ) -> None:
        """`partitions`: the partition count of each topic, of `topics.yaml` by default. `time_limit`: s for an append."""
        self._kafka = kafka_address(kafka)
        self._partitions = dict(partition_counts() if partitions is None else partitions)
        self._time_limit = time_limit
        self._keyless = itertools.count()
        self._lanes: dict[Partition, Lane] = {}
        self._opened: AIOKafkaProducer | None = None
        self._failure: Exception | None = None
        self._failed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect. Raises `OutageError`."""
        producer = self._opened = AIOKafkaProducer(
            **self._kafka.client_settings(),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=10_000,
        )
        # aiokafka (0.14) gives a batch up after `request_timeout_ms` without a leader, and has no setting for it:
        # an election may take longer. tests/contract/test_aiokafka.py holds the attribute.
        producer._message_accumulator._batch_ttl = self._time_limit  # noqa: SLF001
        try:
            async with asyncio.timeout(_START_LIMIT):
                await producer.start()
        except (KafkaError, TimeoutError) as error:
            await self.stop()
            raise OutageError(f"no Kafka broker answers at {self._kafka.bootstrap}: {error!r}") from error

    async def stop(self) -> None:
        """Wait for the appends under way, a few seconds at most."""
        if self._opened is None:
            return
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_STOP_LIMIT):
                await asyncio.gather(*(lane.idle() for lane in self._lanes.values()))
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_STOP_LIMIT):
                await self._opened.stop()

    async def append(self, topic: str, key: str | bytes | None, value: bytes, headers: Headers = ()) -> RecordMetadata:
        """Append one record and wait until it is acknowledged, or raise `OutageError`."""
        appended = await self.submit([(topic, key, value)], headers)
        return appended[0]

    async def append_all(self, items: Sequence[NewRecord]) -> list[RecordMetadata]:
        """Append `items` and wait until all are acknowledged. Raises `OutageError`: any may be in the log all the same."""
        return await self.submit(items)

    def submit(self, items: Sequence[NewRecord], headers: Headers = ()) -> asyncio.Future[list[RecordMetadata]]:
        """Hand `items` over and return at once; the future is done when all of them are acknowledged.

        Within a partition later submissions come behind earlier ones, awaited or not. The future need not be awaited:
        `watch` raises its failure.
        """
        self._refuse_after_failure()
        lanes = [self._lane(topic, key, value) for topic, key, value in items]
        submission = Submission(len(items))
        for index, (lane, (_, key, value)) in enumerate(zip(lanes, items, strict=True)):
            lane.put((submission, index, key.encode() if isinstance(key, str) else key, value, headers))
        return submission.future

    async def watch(self) -> None:
        """Wait until an append fails and raise its error: for services that do not await every append."""
        await self._failed.wait()
        self._refuse_after_failure()

    def stalled(self) -> float:
        """Seconds for which the oldest append under way has had no acknowledgement; 0 when there is none."""
        return max((lane.stalled() for lane in self._lanes.values()), default=0.0)

    def silent(self, limit: float = 5.0) -> str | None:
        """The reason why nothing can be appended now: no acknowledgement for `limit` seconds. `None` if appends work."""
        seconds = self.stalled()
        return f"Kafka has acknowledged nothing for {seconds:.0f} s" if seconds > limit else None

    def partition_of(self, topic: str, key: str | bytes | None) -> int:
        """The partition of a key: murmur2, as for every other producer of Mist's topics."""
        return self._partition(topic, key)[1]

    def _partition(self, topic: str, key: str | bytes | None) -> Partition:
        try:
            count = self._partitions[topic]
        except KeyError:
            raise ValueError(f"{topic} is not in topics.yaml: give Appender its partition count") from None
        return topic, next(self._keyless) % count if key is None else hashed(key) % count

    def _lane(self, topic: str, key: str | bytes | None, value: bytes) -> Lane:
        if len(value) > LARGEST_VALUE:
            raise ValueError(f"a record of {len(value)} bytes, where {LARGEST_VALUE} is the limit of {topic}")
        partition = self._partition(topic, key)
        return self._lanes.get(partition) or self._open(partition)

    def _open(self, partition: Partition) -> Lane:
        if self._opened is None:
            raise RuntimeError("start the Appender before appending")
        lane = self._lanes[partition] = Lane(self._opened, *partition, self._time_limit, self._fail)
        return lane

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._failed.set()

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


@functools.lru_cache(maxsize=65_536)
def hashed(key: str | bytes) -> int:
    """Kafka's positive murmur2 of the key. Cached, since all records of a job carry the same key."""
    return int(murmur2(key.encode() if isinstance(key, str) else key)) & 0x7FFFFFFF
