"""Real brokers for tests, with Mist's topics."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mist_eventlog.address import KafkaAddress
from mist_eventlog.topics import load_topics
from mist_eventlog.topics.apply import apply
from mist_tools.local_kafka import LocalKafka


@contextmanager
def broker(folder: Path) -> Iterator[LocalKafka]:
    """One node on a free port, newly formatted, with the topics applied."""
    with LocalKafka(folder, port=0) as kafka:
        apply(KafkaAddress(bootstrap=kafka.bootstrap), load_topics(), replication=1, wait=30.0)
        yield kafka
