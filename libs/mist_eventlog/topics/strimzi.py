"""The topics as objects for Strimzi's operator, which creates them in Kubernetes."""

from collections.abc import Iterable

import yaml

from mist_eventlog.topics.apply import durability
from mist_eventlog.topics.catalogue import Topic

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
