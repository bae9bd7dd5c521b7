"""The embedded broker: a real Apache Kafka, run on this machine for development and tests."""

from mist_local_kafka.errors import NoKafka
from mist_local_kafka.local_kafka import LocalKafka
from mist_local_kafka.ports import free_port, is_free

__all__ = ["LocalKafka", "NoKafka", "free_port", "is_free"]
