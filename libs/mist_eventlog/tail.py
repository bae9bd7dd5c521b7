"""Reads whole topics without a group: a replay up to the end, then each new record."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.consumer import (
    all_partitions,
    as_records,
    bounds,
    new_consumer,
    refuse_reset,
    start_consumer,
    started,
    stop_consumer,
)
from mist_eventlog.errors import OutageError
from mist_eventlog.metrics import READ
from mist_eventlog.record import Partition, Record


class Tail:
    """Every record of every partition of `topics`, each partition in its order.

    `positions` holds the next offset of each (topic, partition), `ends` the end offsets at the start.
    """

    def __init__(
        self,
        kafka: str | KafkaAddress,
        topics: Sequence[str],
        *,
        offsets: Mapping[Partition, int] | None = None,
        gather: float = 0,
        rest: float = 0,
    ) -> None:
        """`offsets`: the first offset to read of each (topic, partition); the beginning where none is given.

        `gather`: seconds for which the broker gathers records before it answers, for a reader whom no client waits for.
        `rest`: seconds without a fetch after each batch, so that frequent records come in larger batches. After a
        silence a record still comes at once.
        """
        self._kafka = kafka_address(kafka)
        self._topics = tuple(topics)
        self._offsets = dict(offsets or {})
        self._gather = gather
        self._rest = rest
        self._opened: AIOKafkaConsumer | None = None
        self.positions: dict[Partition, int] = {}
        self.ends: dict[Partition, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect and find the ends. Raises `OutageError`, or `LogResetError` when `offsets` lie beyond them."""
        partitions = await all_partitions(self._kafka, self._topics)
        self._opened = new_consumer(self._kafka, gather=self._gather)
        await start_consumer(self._kafka, self._opened)
        try:
            await self._seek_all(partitions)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self._opened is not None:
            await stop_consumer(self._opened)

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        return started(self._opened)

    async def replay(self) -> AsyncIterator[list[Record]]:
        """Batches up to `ends`; the last ones may hold records that were appended since."""
        while not self.replayed:
            records = await self.next_batch(1.0)
            if records:
                yield records

    @property
    def replayed(self) -> bool:
        """True when everything before `ends` was read."""
        return all(self.positions[partition] >= end for partition, end in self.ends.items())

    async def batches(self, timeout: float = 1.0) -> AsyncIterator[list[Record]]:
        """Batches for ever; `[]` after each `timeout` seconds without a record."""
        while True:
            yield await self.next_batch(timeout)

    async def next_batch(self, timeout: float) -> list[Record]:
        """The next records, after `timeout` seconds at most. Raises `OutageError` or `LogResetError`."""
        try:
            polled = await self._consumer.getmany(timeout_ms=int(timeout * 1000))
        except OffsetOutOfRangeError:
            await self._skip_deleted()
            return []
        except KafkaError as error:
            raise OutageError(f"reading {', '.join(self._topics)} failed: {error!r}") from error
        for partition, records in polled.items():
            self.positions[partition] = records[-1].offset + 1
            READ.labels(partition.topic).inc(len(records))
        if polled and self._rest and self.replayed:
            self._pause_fetching()
        return as_records(polled)

    def lag(self) -> dict[str, int]:
        """Records of each topic that were not read yet, by the high-water marks of the last fetches."""
        lag = dict.fromkeys(self._topics, 0)
        for partition, position in self.positions.items():
            end = self._consumer.highwater(TopicPartition(*partition))
            lag[partition[0]] += max(0, (end or 0) - position)
        return lag

    def left_behind(self, limit: int = 10_000) -> str | None:
        """The reason why what was read is old: a lag of more than `limit` records. `None` if it is fresh."""
        found = [f"{records} records of {topic}" for topic, records in self.lag().items() if records > limit]
        return f"it is {' and '.join(found)} behind" if found else None

    async def present_ends(self) -> dict[Partition, int]:
        """The end offsets of all partitions now. Raises `OutageError`."""
        return (await bounds(self._consumer, self.positions))[1]

    async def _seek_all(self, partitions: list[TopicPartition]) -> None:
        """Assign every partition and seek the wanted offset, or the first one that still exists."""
        self.positions = {partition: self._offsets.get(partition, 0) for partition in partitions}
        begins, self.ends = await bounds(self._consumer, self.positions)
        refuse_reset(self.positions, self.ends)
        self.positions = {partition: max(position, begins[partition]) for partition, position in self.positions.items()}
        self._consumer.assign(partitions)
        for partition, position in self.positions.items():
            self._consumer.seek(TopicPartition(*partition), position)

    def _pause_fetching(self) -> None:
        partitions = self._consumer.assignment()
        self._consumer.pause(*partitions)
        asyncio.get_running_loop().call_later(self._rest, self._consumer.resume, *partitions)

    async def _skip_deleted(self) -> None:
        """Seek the first offset of each partition whose next record was deleted by retention."""
        begins, ends = await bounds(self._consumer, self.positions)
        refuse_reset(self.positions, ends)
        for partition, begin in begins.items():
            if self.positions[partition] < begin:
                self.positions[partition] = begin
                self._consumer.seek(TopicPartition(*partition), begin)
