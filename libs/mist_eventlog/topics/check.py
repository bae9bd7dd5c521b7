"""The check that Kafka's topics match `topics.yaml`."""

from collections.abc import Callable, Iterable

import structlog

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.consumer import partitions_found
from mist_eventlog.errors import OutageError
from mist_eventlog.topics.catalogue import partition_counts


class TopicsMismatchError(Exception):
    """A topic is missing or has another partition count; the text says which and what to do."""


async def check(kafka: str | KafkaAddress, topics: Iterable[str] | None = None, *, wait: float = 30.0) -> None:
    """Raise `TopicsMismatchError` unless `topics` (all by default) match `topics.yaml`.

    Waits `wait` seconds for a broker that is not up yet, then raises `OutageError`.
    """
    counts = partition_counts()
    wanted = counts if topics is None else {topic: counts[topic] for topic in topics}
    found = await partitions_found(kafka_address(kafka), wanted, wait)
    for topic, count in wanted.items():
        compare(topic, count, found[topic])


def compare(topic: str, wanted: int, found: int) -> None:
    """Raise `TopicsMismatchError` unless the topic has as many partitions as wanted; `found` is 0 for a missing one."""
    if found == 0:
        raise TopicsMismatchError(f"topic {topic} does not exist: run `python -m mist_eventlog.topics apply`")
    if found != wanted:
        raise TopicsMismatchError(
            f"topic {topic} has {found} partitions where topics.yaml says {wanted}: a partition count never changes, "
            "since the partition of a key would move; use another Kafka, or delete the topic if it holds nothing"
        )


log = structlog.get_logger("mist.eventlog")

_ATTEMPT_SECONDS = 5.0


async def wait_for_kafka(kafka: str | KafkaAddress, report: Callable[[str], None]) -> None:
    """Return once a broker answers and its topics match `topics.yaml`; until then `report` gets the reason.

    Raises `TopicsMismatchError` for topics that do not match.
    """
    while True:
        try:
            await check(kafka, wait=_ATTEMPT_SECONDS)
        except OutageError as outage:
            log.warning("kafka-awaited", kafka=kafka_address(kafka).bootstrap, reason=str(outage))
            report(str(outage))
        else:
            return
