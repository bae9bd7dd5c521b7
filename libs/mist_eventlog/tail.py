"""Reading whole topics from their beginning, without a group: replay to the end, then what is appended."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from mist_eventlog.consumer import as_records, connect_consumer, partitions_of, reading_settings
from mist_eventlog.errors import LogReset, Outage
from mist_eventlog.kafka import KafkaAddress, kafka_address
from mist_eventlog.record import Place, Record


class Tail:
    """Every record of every partition of `topics`, each partition in its order.

    `positions` holds the next offset of each (topic, partition); records that were handed out count as read.
    """

    def __init__(
        self, kafka: str | KafkaAddress, topics: Sequence[str], *, offsets: Mapping[Place, int] | None = None
    ) -> None:
        """`offsets`: where to begin, per (topic, partition); the beginning where none is given."""
        self._kafka = kafka_address(kafka)
        self._topics = tuple(topics)
        self._offsets = dict(offsets or {})
        self.positions: dict[Place, int] = {}
        self.ends: dict[Place, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect and fix `ends`, up to which `replay` reads. Raises `Outage` or `LogReset`."""
        self._consumer = await connect_consumer(self._kafka, self._topics)
        places = partitions_of(self._consumer, self._topics)
        self._consumer.assign(places)
        begin, end = await self._bounds(places)
        for place in places:
            self.ends[place] = end[place]
            self._seek(place, max(self._offsets.get(place, 0), begin[place]))
        self._refuse_reset(end)

    async def stop(self) -> None:
        await self._consumer.stop()

    async def replay(self) -> AsyncIterator[list[Record]]:
        """Batches up to the ends as they stood at the start; records beyond them may be among the last."""
        while any(self.positions[place] < end for place, end in self.ends.items()):
            records = await self.next_batch(1.0)
            if records:
                yield records

    async def batches(self, timeout: float = 1.0) -> AsyncIterator[list[Record]]:
        """For ever: what came, or `[]` when nothing came for `timeout` seconds."""
        while True:
            yield await self.next_batch(timeout)

    async def next_batch(self, timeout: float) -> list[Record]:
        """What there is, waiting `timeout` seconds for it at most."""
        try:
            polled = await self._consumer.getmany(timeout_ms=int(timeout * 1000))
        except OffsetOutOfRangeError as error:
            await self._out_of_range(error)
            return []
        except KafkaError as error:
            raise Outage(f"reading {', '.join(self._topics)} failed: {error!r}") from error
        records = as_records(polled)
        for place, polled_records in polled.items():
            self.positions[place] = polled_records[-1].offset + 1
        return records

    async def present_ends(self) -> dict[Place, int]:
        """The end offsets as they are now."""
        return (await self._bounds(list(self.positions)))[1]
