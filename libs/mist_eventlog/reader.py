"""Reads records by their offsets, beside whatever else reads the log."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.consumer import all_partitions, as_records, bounds, new_consumer, start_consumer, stop_consumer
from mist_eventlog.errors import OutageError
from mist_eventlog.record import Partition, Record

_FETCH_BYTES = 100_000
_IDLE = 4
_WAIT_MS = 5_000


class Reader:
    """A few idle consumers, so that a look-up needs no new connection. Many tasks may use it at once."""

    def __init__(self, kafka: str | KafkaAddress) -> None:
        self._kafka = kafka_address(kafka)
        self._idle: list[AIOKafkaConsumer] = []
        self._partitions: dict[str, list[TopicPartition]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        while self._idle:
            await stop_consumer(self._idle.pop())

    async def fetch(self, topic: str, partition: int, offsets: Sequence[int]) -> list[Record]:
        """The records at `offsets` of one partition, in order; missing ones are left out. Raises `OutageError`."""
        place = TopicPartition(topic, partition)
        found: list[Record] = []
        async with self._borrowed() as consumer:
            begins, ends = await bounds(consumer, [place])
            there = [offset for offset in sorted(set(offsets)) if begins[place] <= offset < ends[place]]
            if there:  # what is assigned must be sought, or the next reader of this consumer meets an error
                consumer.assign([place])
            for offset in there:
                consumer.seek(place, offset)
                polled = await consumer.getmany(place, timeout_ms=_WAIT_MS, max_records=1)
                found += [record for record in as_records(polled) if record.offset == offset]
            if there:
                consumer.pause(place)
        return found

    async def read_range(self, topic: str, ranges: Mapping[int, tuple[int, int]]) -> AsyncIterator[list[Record]]:
        """Batches of the records with `start <= offset < end` of each partition, each in its order.

        `ranges`: partition → (start, end). Raises `OutageError`.
        """
        async with self._borrowed() as consumer:
            remaining = await self._seek_all(consumer, topic, ranges)
            while remaining:
                polled = await consumer.getmany(timeout_ms=_WAIT_MS)
                records = [record for record in as_records(polled) if record.offset < remaining[record[:2]]]
                for place, read in polled.items():
                    if read[-1].offset + 1 >= remaining[place]:
                        consumer.pause(place)
                        del remaining[place]
                yield records

    async def ends(self, topic: str) -> dict[int, int]:
        """The present end offset of each partition. Raises `OutageError`."""
        if topic not in self._partitions:
            self._partitions[topic] = await all_partitions(self._kafka, [topic])
        async with self._borrowed() as consumer:
            _, ends = await bounds(consumer, self._partitions[topic])
        return {partition: end for (_, partition), end in ends.items()}

    async def offset_at(self, topic: str, partition: int, time: int) -> int:
        """The offset of the first record appended at `time` (ms) or later; the partition's end when there is none."""
        place = TopicPartition(topic, partition)
        async with self._borrowed() as consumer:
            found = (await consumer.offsets_for_times({place: time}))[place]
            if found is None:
                _, ends = await bounds(consumer, [place])
                return ends[topic, partition]
        return int(found.offset)

    async def _seek_all(
        self, consumer: AIOKafkaConsumer, topic: str, ranges: Mapping[int, tuple[int, int]]
    ) -> dict[Partition, int]:
        """Assign and seek the partitions that have records to read; the offset before which each stops."""
        begins, ends = await bounds(consumer, [(topic, partition) for partition in ranges])
        spans = {
            TopicPartition(topic, partition): (
                max(start, begins[topic, partition]),
                min(end, ends[topic, partition]),
            )
            for partition, (start, end) in ranges.items()
        }
        spans = {place: span for place, span in spans.items() if span[0] < span[1]}
        consumer.assign(list(spans))
        for place, (start, _) in spans.items():
            consumer.seek(place, start)
        return {place: end for place, (_, end) in spans.items()}

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[AIOKafkaConsumer]:
        """An idle consumer, or a new one. It is kept only after a success, and only while few are kept."""
        consumer = self._idle.pop() if self._idle else await self._connect()
        kept = False
        try:
            yield consumer
            kept = len(self._idle) < _IDLE
        except KafkaError as error:
            raise OutageError(f"looking up records failed: {error!r}") from error
        finally:
            if kept:
                self._idle.append(consumer)
            else:
                await stop_consumer(consumer)

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = new_consumer(self._kafka, fetch_bytes=_FETCH_BYTES)
        await start_consumer(self._kafka, consumer)
        return consumer


async def committed(kafka: str | KafkaAddress, group: str, topic: str) -> dict[int, int]:
    """The next offset of each partition that `group` committed; a partition without a commit is left out."""
    address = kafka_address(kafka)
    partitions = await all_partitions(address, [topic])
    consumer = new_consumer(address, group_id=group)
    await start_consumer(address, consumer)
    try:
        offsets = {place.partition: await consumer.committed(place) for place in partitions}
    except KafkaError as error:
        raise OutageError(f"Kafka did not return the offsets of {topic} that {group} committed: {error!r}") from error
    finally:
        await stop_consumer(consumer)
    return {partition: offset for partition, offset in offsets.items() if offset is not None}
