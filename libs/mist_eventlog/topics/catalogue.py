"""`topics.yaml` as frozen dataclasses."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from mist_eventlog.schema.files import schemas_folder

_UNITS = {"hours": 3_600_000, "days": 86_400_000}
FOREVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic; `config` holds its settings by Kafka's own names."""

    name: str
    doc: str
    key: str
    records: tuple[str, ...]
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    partitions: int
    config: Mapping[str, str]

    @property
    def retention_ms(self) -> float:
        """Milliseconds for which Kafka keeps a record; infinite for a topic that is kept for ever."""
        kept = int(self.config["retention.ms"])
        return math.inf if kept == FOREVER else kept


@functools.cache
def load_topics() -> tuple[Topic, ...]:
    """All topics of `topics.yaml`, in its order. Read once: several parts of a service ask for them as it starts."""
    content = yaml.safe_load((schemas_folder() / "topics.yaml").read_text())
    return tuple(_topic(name, entry, content["defaults"]) for name, entry in content["topics"].items())


def partition_counts() -> dict[str, int]:
    """The partition count of each topic."""
    return {topic.name: topic.partitions for topic in load_topics()}


def _topic(name: str, entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> Topic:
    return Topic(
        name=name,
        doc=entry["doc"],
        key=entry["key"],
        records=tuple(entry["records"]),
        written_by=tuple(entry["written_by"]),
        read_by=tuple(entry["read_by"]),
        partitions=entry["partitions"],
        config=_config(entry, defaults),
    )


def _config(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, str]:
    stamped = "LogAppendTime" if entry.get("append_time") else "CreateTime"
    own = {"retention.ms": _milliseconds(entry["retention"]), "message.timestamp.type": stamped}
    return {key: str(value) for key, value in {**defaults, **own, **entry.get("config", {})}.items()}


def _milliseconds(retention: str) -> int:
    if retention == "forever":
        return FOREVER
    count, unit = retention.split()
    return int(count) * _UNITS[unit]
