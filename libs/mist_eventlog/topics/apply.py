"""Creates the topics and corrects their settings. The one place for confluent-kafka's admin client; no service uses it.

In Kubernetes Strimzi's operator creates them, from objects made here.
"""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # exported, though not in __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.errors import OutageError
from mist_eventlog.topics.catalogue import Topic, load_topics
from mist_eventlog.topics.check import compare

Config = Mapping[str, str]
_ANSWER = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Names of the topics that were created, and of those whose settings were changed."""

    created: tuple[str, ...]
    changed: tuple[str, ...]


def apply(
    kafka: str | KafkaAddress,
    topics: Sequence[Topic] | None = None,
    *,
    replication: int = 1,
    wait: float = 30.0,
) -> Applied:
    """Create missing `topics` (all of `topics.yaml` by default) and correct settings that differ.

    A second run changes nothing. Raises `TopicsMismatchError` for another partition count, and `OutageError` when no broker
    answers for `wait` seconds.
    """
    address = kafka_address(kafka)
    wanted = load_topics() if topics is None else topics
    admin = AdminClient({**address.admin_settings()}, logger=_silent())
    found = _partitions_found(admin, address, wait)
    configs = {topic.name: {**topic.config, **durability(replication)} for topic in wanted}
    existing = [topic for topic in wanted if topic.name in found]
    missing = [topic for topic in wanted if topic.name not in found]
    for topic in existing:
        compare(topic.name, topic.partitions, found[topic.name])
    try:
        _create(admin, [_new(topic, replication, configs[topic.name]) for topic in missing])
        changed = _correct(admin, {topic.name: configs[topic.name] for topic in existing})
    except KafkaException as error:
        raise OutageError(f"Kafka at {address.bootstrap} refused: {error.args[0].str()}") from error
    return Applied(created=tuple(topic.name for topic in missing), changed=changed)


def durability(replication: int) -> Config:
    """Settings by which a record is acknowledged once all replicas but one have it."""
    return {"min.insync.replicas": str(max(1, replication - 1))}


def _partitions_found(admin: AdminClient, kafka: KafkaAddress, wait: float) -> dict[str, int]:
    until = time.monotonic() + wait
    while True:
        try:
            return {name: len(topic.partitions) for name, topic in admin.list_topics(timeout=1.0).topics.items()}
        except KafkaException as error:
            if time.monotonic() >= until:
                raise OutageError(f"no Kafka broker answers at {kafka.bootstrap}: is it running?") from error


def _new(topic: Topic, replication: int, config: Config) -> NewTopic:
    return NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=replication, config=dict(config))


def _create(admin: AdminClient, missing: list[NewTopic]) -> None:
    if missing:
        _settled(admin.create_topics(missing).values())


def _correct(admin: AdminClient, wanted: Mapping[str, Config]) -> tuple[str, ...]:
    """Correct settings that differ; the names of the topics that were changed."""
    if not wanted:
        return ()
    described = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name) for name in wanted])
    differing = {}
    for resource, answer in described.items():
        found = {name: entry.value for name, entry in answer.result(_ANSWER).items()}
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in wanted[resource.name].items()
            if found.get(name) != value
        ]
        if entries:
            differing[resource.name] = entries
    _alter(admin, differing)
    return tuple(differing)


def _alter(admin: AdminClient, differing: Mapping[str, list[ConfigEntry]]) -> None:
    if differing:
        resources = [
            ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=entries)
            for name, entries in differing.items()
        ]
        _settled(admin.incremental_alter_configs(resources).values())


def _settled(answers: Iterable[Future[Any]]) -> None:
    for answer in answers:
        answer.result(_ANSWER)


def _silent() -> logging.Logger:
    """A logger that drops librdkafka's line for each failed connection: `OutageError` reports them once."""
    logger = logging.getLogger("mist.topics.librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


HEADER = "# Made by `python -m mist_eventlog.topics strimzi` from schemas/topics.yaml; a test says when it is old.\n"


def strimzi(topics: Iterable[Topic], *, cluster: str = "kafka", replication: int = 3) -> str:
    """`KafkaTopic` objects as YAML."""
    return HEADER + yaml.safe_dump_all([_kafka_topic(topic, cluster, replication) for topic in topics], sort_keys=False)


def _kafka_topic(topic: Topic, cluster: str, replication: int) -> dict[str, object]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": "KafkaTopic",
        "metadata": {"name": topic.name, "labels": {"strimzi.io/cluster": cluster}},
        "spec": {
            "topicName": topic.name,
            "partitions": topic.partitions,
            "replicas": replication,
            "config": {**topic.config, **durability(replication)},
        },
    }
