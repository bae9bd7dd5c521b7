"""Whether the topics stand in Kafka as `topics.yaml` has them."""

import asyncio
import time
from collections.abc import Iterable, Mapping

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from mist_eventlog.errors import Outage
from mist_eventlog.kafka import KafkaAddress, kafka_address
from mist_eventlog.topics.catalogue import partition_counts

APPLY = "run `python -m mist_eventlog.topics apply`"


class TopicsUnfit(Exception):  # noqa: N818
    """A topic is missing or has another partition count; the text says which and what to do."""


async def check(
    kafka: str | KafkaAddress, topics: Iterable[str] | None = None, *, wait: float = 30.0
) -> None:
    """Raise `TopicsUnfit` unless `topics` (all of them by default) stand as `topics.yaml` has them.

    Waits `wait` seconds for a broker that is not up yet, then raises `Outage`.
    """
    wanted = partition_counts()
    names = list(wanted if topics is None else topics)
    found = await _partitions_found(kafka_address(kafka), names, wait)
    for name in names:
        _compare(name, wanted[name], found.get(name, 0))


def _compare(name: str, wanted: int, found: int) -> None:
    if found == 0:
        raise TopicsUnfit(f"topic {name} does not exist: {APPLY}")
    if found != wanted:
        raise TopicsUnfit(
            f"topic {name} has {found} partitions where topics.yaml says {wanted}: "
            "the partition count of a topic with records cannot be changed; restore it or use another cluster"
        )


async def _partitions_found(kafka: KafkaAddress, names: list[str], wait: float) -> Mapping[str, int]:
    client = await connect(kafka, wait)
    try:
        client.set_topics(names)
        cluster = await client.fetch_all_metadata()
        return {name: len(cluster.partitions_for_topic(name) or ()) for name in names}
    except KafkaError as error:
        raise Outage(f"Kafka at {kafka.bootstrap} did not name its topics: {error}") from error
    finally:
        await client.close()


async def connect(kafka: KafkaAddress, wait: float) -> AIOKafkaClient:
    """A client that reached a broker within `wait` seconds, or `Outage`."""
    until = time.monotonic() + wait
    while True:
        client = AIOKafkaClient(**kafka.client_settings())
        try:
            await client.bootstrap()
        except KafkaError as error:
            await client.close()
            if time.monotonic() >= until:
                raise Outage(f"no Kafka broker answers at {kafka.bootstrap}: is it running?") from error
            await asyncio.sleep(0.2)
        else:
            return client
