"""Connections to Kafka: a client that reached a broker, and the partition counts of topics."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from mist_eventlog.address import KafkaAddress
from mist_eventlog.errors import OutageError

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
