"""Waiting for a Kafka that is not there yet, for as long as it takes, and saying so."""

from collections.abc import Callable

import structlog

from mist_eventlog.errors import Outage
from mist_eventlog.kafka import KafkaAddress, kafka_address
from mist_eventlog.topics import check

log = structlog.get_logger("mist.eventlog")

_ATTEMPT_SECONDS = 5.0


async def wait_for_kafka(kafka: str | KafkaAddress, tell: Callable[[str], None]) -> None:
    """Return once a broker answers and its topics are as `topics.yaml` has them; until then `tell` gets the reason.

    Raises `TopicsUnfit` for topics that are not.
    """
    while True:
        try:
            await check(kafka, wait=_ATTEMPT_SECONDS)
        except Outage as outage:
            log.warning("kafka-awaited", kafka=kafka_address(kafka).bootstrap, reason=str(outage))
            tell(str(outage))
        else:
            return
