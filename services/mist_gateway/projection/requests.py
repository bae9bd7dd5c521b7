"""`mist.requests` as a projection: start requests that the scheduler has not yet shown the effect of."""

import asyncio
import contextlib

import structlog

from mist_domain.errors import RefusalError
from mist_domain.facts.requests import Origin, StartRequest
from mist_domain.wire.start_request import read_request
from mist_eventlog import Codec, PoisonError, Record, SchemaPendingError, Tail
from mist_gateway.projection.jobs import Jobs

log = structlog.get_logger("mist.gateway")


def read_start(codec: Codec, value: bytes) -> StartRequest | None:
    """The start request in a record; `None` for every other request and for what the scheduler will refuse.

    `None`, too, while its schema is fetched from a Confluent registry: the job then shows at its first event.
    """
    try:
        request = read_request(value, codec.decode_foreign)
    except (PoisonError, RefusalError, SchemaPendingError):
        return None
    return request if isinstance(request, StartRequest) else None


class RequestsLog:
    """Tails the topic into `jobs.pending`. `tail` starts at the schedulers' committed offsets."""

    def __init__(self, tail: Tail, codec: Codec, jobs: Jobs) -> None:
        self._tail = tail
        self._codec = codec
        self._jobs = jobs
        self._moved = asyncio.Event()

    async def replay(self) -> None:
        async for records in self._tail.replay():
            self._take(records)

    async def follow(self) -> None:
        """For ever."""
        async for records in self._tail.batches():
            self._take(records)

    async def wait_read(self, ends: dict[int, int], topic: str, limit: float) -> None:
        """Wait, `limit` seconds at most, until everything before `ends` was taken."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                while any(self._tail.positions[topic, partition] < end for partition, end in ends.items()):
                    self._moved.clear()
                    await self._moved.wait()

    def _take(self, records: list[Record]) -> None:
        for record in records:
            request = read_start(self._codec, record.value)
            if request is not None:
                self._jobs.request(request, _origin(record))
        self._moved.set()


def _origin(record: Record) -> Origin:
    return Origin(topic=record.topic, partition=record.partition, offset=record.offset, time=record.time)
