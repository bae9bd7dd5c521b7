"""A consumer group in which one member reads every partition and the others stand by."""

from collections.abc import Callable, Mapping
from typing import Self

from mist_eventlog.kafka import KafkaAddress
from mist_eventlog.record import Record


class GroupTail:
    """`owned` holds the partitions that this member reads: all of them, or none while it stands by.

    Whenever ownership begins anew, reading starts again at the committed offsets.
    """

    owned: frozenset[int]

    def __init__(
        self,
        kafka: str | KafkaAddress,
        topic: str,
        group: str,
        *,
        session_timeout: float = 10.0,
        on_change: Callable[[frozenset[int]], None] | None = None,
    ) -> None: ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def next_batch(self, timeout: float) -> list[Record]: ...
    async def commit(self, offsets: Mapping[int, int]) -> None: ...
