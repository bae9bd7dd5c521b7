"""Appending to the log: acknowledged by all replicas, idempotent, in the order of submission for each partition."""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from mist_eventlog.errors import Outage
from mist_eventlog.kafka import KafkaAddress, kafka_address
from mist_eventlog.lane import Headers, Lane, Submission
from mist_eventlog.record import Item, Place, Placed
from mist_eventlog.topics import partition_counts

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
        self._lanes: dict[Place, Lane] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect, or raise `Outage`."""
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
            raise Outage(f"no Kafka broker answers at {self._kafka.bootstrap}: {error!r}") from error

    async def stop(self) -> None:
        """Wait for what is under way, a few seconds at most."""
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_STOP_LIMIT):
                await asyncio.gather(*(lane.idle() for lane in self._lanes.values()))
        with contextlib.suppress(TimeoutError, KafkaError):
            async with asyncio.timeout(_STOP_LIMIT):
                await self._producer.stop()

    async def append(self, topic: str, key: str | bytes | None, value: bytes, headers: Headers = ()) -> Placed:
        """Append one record and wait until it is acknowledged, or raise `Outage`."""
        placed = await self.submit([(topic, key, value)], headers)
        return placed[0]

    async def append_all(self, items: Sequence[Item]) -> list[Placed]:
        """Append `items` and wait until all are acknowledged, or raise `Outage`: then any of them may stand."""
        return await self.submit(items)

    def submit(self, items: Sequence[Item], headers: Headers = ()) -> asyncio.Future[list[Placed]]:
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
        """Wait until an append fails and raise its `Outage`: for services that do not wait for every append."""
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

    def _place(self, topic: str, key: str | bytes | None) -> Place:
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

    def _open(self, place: Place) -> Lane:
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
