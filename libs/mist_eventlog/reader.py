"""Looking records up by their offsets, beside whatever else reads the log."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Self

from mist_eventlog.kafka import KafkaAddress
from mist_eventlog.record import Record


class Reader:
    """Keeps a few idle consumers, so that a look-up costs no new connection. Safe to use from many tasks."""

    def __init__(self, kafka: str | KafkaAddress) -> None: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...
    async def stop(self) -> None: ...

    async def fetch(self, topic: str, partition: int, offsets: Sequence[int]) -> list[Record]:
        """The records at `offsets` of one partition, in order; one that does not stand there is left out."""

    async def read_range(self, topic: str, ranges: Mapping[int, tuple[int, int]]) -> AsyncIterator[list[Record]]:
        """Batches of what stands at `from <= offset < to`, per partition."""
        yield []

    async def ends(self, topic: str) -> dict[int, int]:
        """The present end offset of each partition."""


async def committed(kafka: str | KafkaAddress, group: str, topic: str) -> dict[int, int]:
    """The next offset of each partition that `group` committed; a partition without a commit is left out."""
