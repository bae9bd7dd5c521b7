"""Kafka as a log of facts: codec, topics, appends, replay, leadership, dead letters. Knows no jobs."""

from mist_eventlog.address import KafkaAddress
from mist_eventlog.appender import Appender
from mist_eventlog.dead_letters import dead_letter
from mist_eventlog.errors import LogResetError, OutageError, PoisonError, SchemaPendingError
from mist_eventlog.group import GroupTail
from mist_eventlog.leadership import Leadership
from mist_eventlog.reader import Reader, committed
from mist_eventlog.record import NewRecord, Partition, Record, RecordMetadata
from mist_eventlog.schema.codec import Codec
from mist_eventlog.schema.confluent import ConfluentSchemas
from mist_eventlog.tail import Tail
from mist_eventlog.topics.check import wait_for_kafka

__all__ = [
    "Appender",
    "Codec",
    "ConfluentSchemas",
    "GroupTail",
    "KafkaAddress",
    "Leadership",
    "LogResetError",
    "NewRecord",
    "OutageError",
    "Partition",
    "PoisonError",
    "Reader",
    "Record",
    "RecordMetadata",
    "SchemaPendingError",
    "Tail",
    "committed",
    "dead_letter",
    "wait_for_kafka",
]
