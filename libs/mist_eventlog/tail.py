"""Reading whole topics without a group: replay up to the end, then what is appended."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.consumer import (
    all_places,
    as_records,
    bounds,
    new_consumer,
    refuse_reset,
    start_consumer,
    stop_consumer,
)
from mist_eventlog.errors import OutageError
from mist_eventlog.metrics import READ
from mist_eventlog.record import Partition, Record


class Tail:
    """Every record of every partition of `topics`, each partition in its order.

    `positions` holds the next offset of each (topic, partition), `ends` where the partitions ended at the start.
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
        """`offsets`: where to begin, per (topic, partition); at the beginning where none is given.

        `gather`: seconds for which records are gathered before they come, for a reader that is in no hurry.
        `rest`: seconds after each batch in which nothing is fetched, so that what comes thick and fast comes together;
        after a silence a record still comes at once.
        """
        self._kafka = kafka_address(kafka)
        self._topics = tuple(topics)
        self._offsets = dict(offsets or {})
        self._gather = gather
        self._rest = rest
        self.positions: dict[Partition, int] = {}
        self.ends: dict[Partition, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect and find the ends. Raises `OutageError`, or `LogResetError` when `offsets` lie beyond them."""
        places = await all_places(self._kafka, self._topics)
        self._consumer = new_consumer(self._kafka, gather=self._gather)
        await start_consumer(self._kafka, self._consumer)
        try:
            await self._begin(places)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        await stop_consumer(self._consumer)

    async def replay(self) -> AsyncIterator[list[Record]]:
        """Batches up to `ends`; records appended since may be among the last ones."""
        while not self.replayed:
            records = await self.next_batch(1.0)
            if records:
                yield records

    @property
    def replayed(self) -> bool:
        return all(self.positions[place] >= end for place, end in self.ends.items())

    async def batches(self, timeout: float = 1.0) -> AsyncIterator[list[Record]]:
        """For ever: what came, or `[]` when nothing came for `timeout` seconds."""
        while True:
            yield await self.next_batch(timeout)

    async def next_batch(self, timeout: float) -> list[Record]:
        """What there is, waiting at most `timeout` seconds for it. Raises `OutageError` or `LogResetError`."""
        try:
            polled = await self._consumer.getmany(timeout_ms=int(timeout * 1000))
        except OffsetOutOfRangeError:
            await self._skip_deleted()
            return []
        except KafkaError as error:
            raise OutageError(f"reading {', '.join(self._topics)} failed: {error!r}") from error
        for place, records in polled.items():
            self.positions[place] = records[-1].offset + 1
            READ.labels(place.topic).inc(len(records))
        if polled and self._rest and self.replayed:
            self._pause_fetching()
        return as_records(polled)

    def lag(self) -> dict[str, int]:
        """Records of each topic that stand in Kafka, as far as it said, and were not read yet."""
        behind = dict.fromkeys(self._topics, 0)
        for place, position in self.positions.items():
            end = self._consumer.highwater(TopicPartition(*place))
            behind[place[0]] += max(0, (end or 0) - position)
        return behind

    def left_behind(self, most: int = 10_000) -> str | None:
        """Why what was read is old, or `None`."""
        found = [f"{records} records of {topic}" for topic, records in self.lag().items() if records > most]
        return f"it is {' and '.join(found)} behind" if found else None

    async def present_ends(self) -> dict[Partition, int]:
        """Where the partitions end now."""
        return (await bounds(self._consumer, self.positions))[1]

    async def _begin(self, places: list[TopicPartition]) -> None:
        self.positions = {place: self._offsets.get(place, 0) for place in places}
        begins, self.ends = await bounds(self._consumer, self.positions)
        refuse_reset(self.positions, self.ends)
        self.positions = {place: max(position, begins[place]) for place, position in self.positions.items()}
        self._consumer.assign(places)
        for place, position in self.positions.items():
            self._consumer.seek(TopicPartition(*place), position)

    def _pause_fetching(self) -> None:
        places = self._consumer.assignment()
        self._consumer.pause(*places)
        asyncio.get_running_loop().call_later(self._rest, self._consumer.resume, *places)

    async def _skip_deleted(self) -> None:
        """Go on at the beginning where retention has deleted what was to be read next."""
        begins, ends = await bounds(self._consumer, self.positions)
        refuse_reset(self.positions, ends)
        for place, begin in begins.items():
            if self.positions[place] < begin:
                self.positions[place] = begin
                self._consumer.seek(TopicPartition(*place), begin)
