"""Pending start requests: those of `mist.requests` that no scheduler has shown the effect of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from mist_domain.errors import RefusalError
from mist_domain.facts.requests import Origin, StartRequest
from mist_domain.wire.start_request import read_request
from mist_eventlog import (
    Codec,
    KafkaAddress,
    OutageError,
    PoisonError,
    Record,
    SchemaPendingError,
    Tail,
    committed,
)
from mist_eventlog.topics.names import REQUESTS
from mist_gateway.projection.jobs import JobTable

GATHER = 0.1
READ_LIMIT = 2.0
DROP_PAUSE = 10.0

Ends = Callable[[str], Awaitable[Mapping[int, int]]]


def read_start(codec: Codec, value: bytes) -> StartRequest | None:
    """Read the start request in a record; `None` for other requests and for what the scheduler will refuse.

    `None`, too, while its schema is fetched from a Confluent registry: the job then shows at its first event.
    """
    try:
        request = read_request(value, codec.decode_foreign)
    except (PoisonError, RefusalError, SchemaPendingError):
        return None
    return request if isinstance(request, StartRequest) else None


class RequestsLog:
    """Tail of the topic into `jobs`. `group` is the schedulers' consumer group, whose commits tell what is settled.

    `ends` gives the end offset of each partition of a topic; none while Kafka does not answer.
    """

    def __init__(
        self, kafka: KafkaAddress, tail: Tail, ends: Ends, codec: Codec, jobs: JobTable, *, group: str
    ) -> None:
        self._kafka = kafka
        self._tail = tail
        self._ends = ends
        self._codec = codec
        self._jobs = jobs
        self._group = group
        self._advanced = asyncio.Event()

    async def replay(self) -> None:
        """Read up to the present end."""
        async for records in self._tail.replay():
            self._apply(records)

    async def follow(self) -> None:
        """Run for ever."""
        async for records in self._tail.batches():
            self._apply(records)

    async def catch_up(self) -> None:
        """Wait, `READ_LIMIT` seconds at most, until all that the topic holds now is read."""
        ends = await self._ends(REQUESTS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_LIMIT):
                while any(self._tail.positions[REQUESTS, partition] < end for partition, end in ends.items()):
                    self._advanced.clear()
                    await self._advanced.wait()

    async def drop_refused(self) -> None:
        """Run for ever: forget requests that are old, that the schedulers have settled, and that became no job."""
        seen: set[str] = set()
        while True:
            pending = set(self._jobs.pending)
            old, seen = seen & pending, pending
            if old:
                with contextlib.suppress(OutageError):
                    self._jobs.drop_refused(old, await committed(self._kafka, self._group, REQUESTS))
            await asyncio.sleep(DROP_PAUSE)

    def _apply(self, records: list[Record]) -> None:
        for record in records:
            request = read_start(self._codec, record.value)
            if request is not None:
                self._jobs.add_request(request, _origin(record))
        self._advanced.set()


@asynccontextmanager
async def open_requests(
    kafka: KafkaAddress, ends: Ends, codec: Codec, jobs: JobTable, *, group: str
) -> AsyncIterator[RequestsLog]:
    """Open the topic from the offsets that `group` has committed: what lies before is settled. Raises `OutageError`."""
    offsets = await committed(kafka, group, REQUESTS)
    starts = {(REQUESTS, partition): offset for partition, offset in offsets.items()}
    async with Tail(kafka, [REQUESTS], offsets=starts, gather=GATHER) as tail:
        yield RequestsLog(kafka, tail, ends, codec, jobs, group=group)


def _origin(record: Record) -> Origin:
    return Origin(topic=record.topic, partition=record.partition, offset=record.offset, time=record.time)
