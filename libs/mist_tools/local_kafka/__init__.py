"""The embedded broker: a real Apache Kafka, run on this machine for development and tests."""

from mist_tools.local_kafka.local_kafka import LocalKafka
from mist_tools.local_kafka.server_properties import LocalKafkaError, free_port, is_free

__all__ = ["LocalKafka", "LocalKafkaError", "free_port", "is_free"]
