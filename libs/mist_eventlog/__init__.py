"""Kafka as a log of facts: codec, topics, append, replay, dead letters. Knows no jobs."""

from mist_eventlog.appender import Appender
from mist_eventlog.codec import Codec
from mist_eventlog.confluent import ConfluentSchemas
from mist_eventlog.dead_letters import dead_letter
from mist_eventlog.errors import LogReset, Outage, Poison
from mist_eventlog.group import GroupTail
from mist_eventlog.kafka import KafkaAddress
from mist_eventlog.reader import Reader, committed
from mist_eventlog.record import Item, Place, Placed, Record
from mist_eventlog.tail import Tail
from mist_eventlog.waiting import wait_for_kafka

__all__ = [
    "Appender",
    "Codec",
    "ConfluentSchemas",
    "GroupTail",
    "Item",
    "KafkaAddress",
    "LogReset",
    "Outage",
    "Place",
    "Placed",
    "Poison",
    "Reader",
    "Record",
    "Tail",
    "committed",
    "dead_letter",
    "wait_for_kafka",
]
