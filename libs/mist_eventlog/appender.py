"""Appending to the log: acknowledged by all replicas, idempotent, in the order of submission for each partition."""

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
    """What was handed over together; `future` is done when every record of it is acknowledged."""

    __slots__ = ("_missing", "_placed", "future")

    def __init__(self, count: int) -> None:
        self.future: asyncio.Future[list[RecordMetadata]] = asyncio.get_running_loop().create_future()
        self._placed: list[RecordMetadata] = [RecordMetadata("", 0, 0)] * count
        self._missing = count
        if count == 0:
            self.future.set_result([])

    def place(self, index: int, placed: RecordMetadata) -> None:
        self._placed[index] = placed
        self._missing -= 1
        if self._missing == 0 and not self.future.done():
            self.future.set_result(self._placed)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # asyncio reports errors that nobody awaited; `Appender.watch` does that already


Entry = tuple[Submission, int, bytes | None, bytes, Headers]


class Lane:
    """The appends to one partition, in order. After a failure it takes no more."""

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
        self._leaving: list[Entry] = []
        self._task: asyncio.Task[None] | None = None
        self._sent_at: float | None = None

    def put(self, entry: Entry) -> None:
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
        except Exception as error:  # noqa: BLE001 - where the task ends: whoever waits for an append is told
            self._fail(error)
        else:
            self._task = None

    async def _send_next(self) -> None:
        builder = self._producer.create_batch()
        self._fill(builder)
        self._sent_at = time.monotonic()
        base = await self._send(builder)
        APPEND_SECONDS.labels(self._topic).observe(time.monotonic() - self._sent_at)
        APPENDED.labels(self._topic).inc(len(self._leaving))
        self._sent_at = None
        topic, partition = self._topic, self._partition
        for offset, entry in enumerate(self._leaving, base):
            entry[0].place(entry[1], RecordMetadata(topic, partition, offset))

    def _fill(self, builder: BatchBuilder) -> None:
        """Take what fits into one batch; a record larger than a batch goes alone."""
        waiting = self._waiting
        self._leaving = leaving = []
        while waiting:
            _, _, key, value, headers = waiting[0]
            if builder.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
                break
            leaving.append(waiting.popleft())
        builder.close()

    async def _send(self, builder: BatchBuilder) -> int:
        """The offset of the batch's first record."""
        try:
            async with asyncio.timeout(self._time_limit):
                delivery = await self._producer.send_batch(builder, self._topic, partition=self._partition)
                offset = int((await delivery).offset)
        except (KafkaError, TimeoutError) as error:
            raise OutageError(f"no acknowledgement from {self._topic}/{self._partition}: {error!r}") from error
        if offset < 0:
            raise OutageError(f"{self._topic}/{self._partition} acknowledged a batch without saying where it stands")
        return offset

    def _fail(self, error: Exception) -> None:
        self._failed(error)
        for entry in (*self._leaving, *self._waiting):
            entry[0].fail(error)
        self._waiting.clear()


LARGEST_VALUE = 8_000_000
_BATCH_BYTES = 1_000_000
_STOP_LIMIT = 5.0
_START_LIMIT = 30.0


class Appender:
    """Appends records. After one append failed every later one fails too: the process is to exit and replay."""

    def __init__(
        self,
        kafka: str | KafkaAddress,
        *,
        partitions: Mapping[str, int] | None = None,
        time_limit: float = 30.0,
    ) -> None:
        """`partitions`: how many each topic has, `topics.yaml` by default. `time_limit`: seconds for one append."""
        self._kafka = kafka_address(kafka)
        self._partitions = dict(partition_counts() if partitions is None else partitions)
        self._time_limit = time_limit
        self._keyless = itertools.count()
        self._lanes: dict[Partition, Lane] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect, or raise `OutageError`."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._producer = AIOKafkaProducer(
            **self._kafka.client_settings(),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=10_000,
        )
        # By default a batch whose partition has no leader is given up after one request's time: it may take longer.
        self._producer._message_accumulator._batch_ttl = self._time_limit  # noqa: SLF001
        try:
            async with asyncio.timeout(_START_LIMIT):
                await self._producer.start()
        except (KafkaError, TimeoutError) as error:
            await self.stop()
            raise OutageError(f"no Kafka broker answers at {self._kafka.bootstrap}: {error!r}") from error

    async def stop(self) -> None:
        """Wait for what is under way, a few seconds at most."""
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_STOP_LIMIT):
                await asyncio.gather(*(lane.idle() for lane in self._lanes.values()))
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_STOP_LIMIT):
                await self._producer.stop()

    async def append(self, topic: str, key: str | bytes | None, value: bytes, headers: Headers = ()) -> RecordMetadata:
        """Append one record and wait until it is acknowledged, or raise `OutageError`."""
        placed = await self.submit([(topic, key, value)], headers)
        return placed[0]

    async def append_all(self, items: Sequence[NewRecord]) -> list[RecordMetadata]:
        """Append `items` and wait until all are acknowledged, or raise `OutageError`: then any of them may stand."""
        return await self.submit(items)

    def submit(self, items: Sequence[NewRecord], headers: Headers = ()) -> asyncio.Future[list[RecordMetadata]]:
        """Hand `items` over and return at once; the future is done when all of them are acknowledged.

        Later submissions stand behind earlier ones in each partition, whether or not those were waited for.
        """
        if self._failed.done():
            self._failed.result()
        lanes = [self._lane(topic, key, value) for topic, key, value in items]
        submission = Submission(len(items))
        for index, (lane, (_, key, value)) in enumerate(zip(lanes, items, strict=True)):
            lane.put((submission, index, key.encode() if isinstance(key, str) else key, value, headers))
        return submission.future

    async def watch(self) -> None:
        """Wait until an append fails and raise its `OutageError`: for services that do not wait for every append."""
        await asyncio.shield(self._failed)

    def stalled(self) -> float:
        """Seconds for which the oldest append under way has had no acknowledgement; 0 when there is none."""
        return max((lane.stalled() for lane in self._lanes.values()), default=0.0)

    def silent(self, most: float = 5.0) -> str | None:
        """Why nothing can be appended now, or `None`."""
        seconds = self.stalled()
        return f"Kafka has acknowledged nothing for {seconds:.0f} s" if seconds > most else None

    def partition_of(self, topic: str, key: str | bytes | None) -> int:
        """The partition of a key: murmur2, as every other producer of Mist's topics has it."""
        return self._place(topic, key)[1]

    def _place(self, topic: str, key: str | bytes | None) -> Partition:
        try:
            count = self._partitions[topic]
        except KeyError:
            raise ValueError(f"{topic} is not in topics.yaml: give Appender its partition count") from None
        return topic, next(self._keyless) % count if key is None else hashed(key) % count

    def _lane(self, topic: str, key: str | bytes | None, value: bytes) -> Lane:
        if len(value) > LARGEST_VALUE:
            raise ValueError(f"a record of {len(value)} bytes, where {LARGEST_VALUE} are the most that {topic} takes")
        place = self._place(topic, key)
        return self._lanes.get(place) or self._open(place)

    def _open(self, place: Partition) -> Lane:
        lane = self._lanes[place] = Lane(self._producer, *place, self._time_limit, self._fail)
        return lane

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()


@functools.lru_cache(maxsize=65_536)
def hashed(key: str | bytes) -> int:
    """Kafka's positive murmur2 of the key. Kept for the keys seen last: a job's records all carry the same one."""
    return int(murmur2(key.encode() if isinstance(key, str) else key)) & 0x7FFFFFFF
