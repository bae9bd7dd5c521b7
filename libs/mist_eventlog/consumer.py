"""aiokafka's clients as Mist uses them: connections, partitions, and consumers whose reader keeps the offsets."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from mist_eventlog.address import KafkaAddress
from mist_eventlog.errors import LogResetError, OutageError
from mist_eventlog.record import Partition, Record

Polled = Mapping[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
Offsets = dict[Partition, int]

_STOP_LIMIT = 5.0
_PAUSE = 0.2


@asynccontextmanager
async def connected(kafka: KafkaAddress, wait: float) -> AsyncIterator[AIOKafkaClient]:
    """A client that reached a broker within `wait` seconds. Raises `OutageError`."""
    client = await _reach(kafka, time.monotonic() + wait)
    try:
        yield client
    except KafkaError as error:
        raise OutageError(f"Kafka at {kafka.bootstrap} failed: {error!r}") from error
    finally:
        await client.close()


async def _reach(kafka: KafkaAddress, until: float) -> AIOKafkaClient:
    while True:
        client = AIOKafkaClient(**kafka.client_settings())
        try:
            await client.bootstrap()
        except KafkaError as error:
            await client.close()
            if time.monotonic() >= until:
                raise OutageError(f"no Kafka broker answers at {kafka.bootstrap}: is it running?") from error
            await asyncio.sleep(_PAUSE)
        else:
            return client


async def partitions_found(kafka: KafkaAddress, topics: Iterable[str], wait: float = 0.0) -> dict[str, int]:
    """The partition count of each topic; 0 for one that does not exist. Raises `OutageError`."""
    async with connected(kafka, wait) as client:
        cluster = await client.fetch_all_metadata()
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}


def new_consumer(
    kafka: KafkaAddress, *, fetch_bytes: int = 250_000, gather: float = 0, **settings: Any
) -> AIOKafkaConsumer:
    """Make a consumer. `fetch_bytes` bounds what one fetch returns of a partition; a larger record still comes, alone.

    `gather`: seconds for which the broker gathers records before it answers. It saves most of the work where no client
    waits for the records.
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


def started(consumer: AIOKafkaConsumer | None) -> AIOKafkaConsumer:
    """The consumer. Raises `RuntimeError` for a reader that was not started."""
    if consumer is None:
        raise RuntimeError("start the reader before reading")
    return consumer


async def start_consumer(kafka: KafkaAddress, consumer: AIOKafkaConsumer) -> None:
    """Connect. Raises `OutageError`."""
    try:
        await consumer.start()
    except KafkaError as error:
        await stop_consumer(consumer)
        raise OutageError(f"no Kafka broker answers at {kafka.bootstrap}: {error!r}") from error


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Close it within a few seconds: without a broker aiokafka would wait for ever."""
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(_STOP_LIMIT):
            await consumer.stop()


async def all_partitions(kafka: KafkaAddress, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of `topics`. Raises `OutageError` for a missing topic, since services check before they read."""
    partitions: list[TopicPartition] = []
    for topic, count in (await partitions_found(kafka, topics)).items():
        if count == 0:
            raise OutageError(f"topic {topic} does not exist")
        partitions += [TopicPartition(topic, partition) for partition in range(count)]
    return partitions


async def bounds(consumer: AIOKafkaConsumer, partitions: Iterable[Partition]) -> tuple[Offsets, Offsets]:
    """The first offset and the end offset of each partition. Raises `OutageError`."""
    found = [TopicPartition(*partition) for partition in partitions]
    try:
        return await consumer.beginning_offsets(found), await consumer.end_offsets(found)
    except KafkaError as error:
        raise OutageError(f"Kafka did not return the log's end offsets: {error!r}") from error


def as_records(polled: Polled) -> list[Record]:
    """The records of a poll, each partition in its order."""
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
    """Raise `LogResetError` when a partition ends below a reader's own position."""
    for (topic, partition), position in positions.items():
        end = ends[topic, partition]
        if end < position:
            raise LogResetError(
                f"{topic}/{partition} ends at offset {end} but was read up to {position}: the topic was recreated; "
                "everything that was folded from it must be read again"
            )
