"""Records as they are read, and the metadata of those that were appended."""

from typing import NamedTuple

NewRecord = tuple[str, str | bytes | None, bytes]
"""Topic, key and value of a record to append. Without a key it goes to any partition."""

Partition = tuple[str, int]
"""Topic and partition."""


class Record(NamedTuple):
    """`time` in ms is the broker's append time where the topic says so; a missing value reads as `b""`.

    A named tuple and not a dataclass: a replay makes hundreds of thousands of them.
    """

    topic: str
    partition: int
    offset: int
    time: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


class RecordMetadata(NamedTuple):
    """The position of an acknowledged record."""

    topic: str
    partition: int
    offset: int
