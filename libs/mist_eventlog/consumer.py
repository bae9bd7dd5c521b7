"""aiokafka's consumer as Mist reads with it: offsets kept by the reader, a long poll that wakes at once."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from mist_eventlog.address import KafkaAddress
from mist_eventlog.connection import partitions_found
from mist_eventlog.errors import LogResetError, OutageError
from mist_eventlog.record import Partition, Record

Polled = Mapping[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
Offsets = dict[Partition, int]

_STOP_LIMIT = 5.0


def new_consumer(
    kafka: KafkaAddress, *, fetch_bytes: int = 250_000, gather: float = 0, **settings: Any
) -> AIOKafkaConsumer:
    """`fetch_bytes` bounds one answer's share of a partition; a larger record still comes, alone.

    With `gather`, records come together after so many seconds, not each at once: a fraction of the work for the broker
    and the reader, where nobody waits for them.
    """
    return AIOKafkaConsumer(
        **kafka.client_settings(),
        auto_offset_reset="none",
        enable_auto_commit=False,
        fetch_min_bytes=fetch_bytes if gather else 1,
        fetch_max_wait_ms=int(gather * 1000) or 250,
        max_partition_fetch_bytes=fetch_bytes,
        request_timeout_ms=20_000,
        **settings,
    )


async def start_consumer(kafka: KafkaAddress, consumer: AIOKafkaConsumer) -> None:
    try:
        await consumer.start()
    except KafkaError as error:
        await stop_consumer(consumer)
        raise OutageError(f"no Kafka broker answers at {kafka.bootstrap}: {error!r}") from error


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Close it, a few seconds at most: without a broker it would wait for ever."""
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(_STOP_LIMIT):
            await consumer.stop()


async def all_places(kafka: KafkaAddress, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of `topics`. One that does not exist is an `OutageError`, since services check before they read."""
    places: list[TopicPartition] = []
    for topic, count in (await partitions_found(kafka, topics)).items():
        if count == 0:
            raise OutageError(f"topic {topic} does not exist")
        places += [TopicPartition(topic, partition) for partition in range(count)]
    return places


async def bounds(consumer: AIOKafkaConsumer, places: Iterable[Partition]) -> tuple[Offsets, Offsets]:
    """The first offset and the end offset of each place."""
    partitions = [TopicPartition(*place) for place in places]
    try:
        return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    except KafkaError as error:
        raise OutageError(f"Kafka did not say where the log ends: {error!r}") from error


def as_records(polled: Polled) -> list[Record]:
    return [
        Record(
            record.topic,
            record.partition,
            record.offset,
            record.timestamp,
            record.key,
            record.value or b"",
            record.headers,
        )
        for records in polled.values()
        for record in records
    ]


def refuse_reset(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
    """Raise `LogResetError` when an end offset lies below a reader's own position."""
    for (topic, partition), position in positions.items():
        end = ends[topic, partition]
        if end < position:
            raise LogResetError(
                f"{topic}/{partition} ends at offset {end} but was read up to {position}: the topic was made anew; "
                "everything that was folded from it must be read again"
            )
