"""Whether the topics stand in Kafka as `topics.yaml` has them."""

from collections.abc import Iterable

from mist_eventlog.connection import partitions_found
from mist_eventlog.kafka import KafkaAddress, kafka_address
from mist_eventlog.topics.catalogue import partition_counts


class TopicsUnfit(Exception):  # noqa: N818
    """A topic is missing or has another partition count; the text says which and what to do."""


async def check(kafka: str | KafkaAddress, topics: Iterable[str] | None = None, *, wait: float = 30.0) -> None:
    """Raise `TopicsUnfit` unless `topics` (all of them by default) stand as `topics.yaml` has them.

    Waits `wait` seconds for a broker that is not up yet, then raises `Outage`.
    """
    counts = partition_counts()
    wanted = counts if topics is None else {topic: counts[topic] for topic in topics}
    found = await partitions_found(kafka_address(kafka), wanted, wait)
    for topic, count in wanted.items():
        compare(topic, count, found[topic])


def compare(topic: str, wanted: int, found: int) -> None:
    if found == 0:
        raise TopicsUnfit(f"topic {topic} does not exist: run `python -m mist_eventlog.topics apply`")
    if found != wanted:
        raise TopicsUnfit(
            f"topic {topic} has {found} partitions where topics.yaml says {wanted}: a partition count never changes, "
            "since the partition of a key would move; use another Kafka, or delete the topic if it holds nothing"
        )
