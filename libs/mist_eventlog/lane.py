"""One partition's queue of appends: one batch under way, everything else waits and leaves together after it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from mist_eventlog.errors import Outage
from mist_eventlog.record import Placed

Headers = Sequence[tuple[str, bytes]]


class Submission:
    """What was handed over together; its future is done when every record of it is acknowledged."""

    __slots__ = ("_missing", "_placed", "future")

    def __init__(self, count: int) -> None:
        self.future: asyncio.Future[list[Placed]] = asyncio.get_running_loop().create_future()
        self._placed: list[Placed] = [Placed("", 0, 0)] * count
        self._missing = count
        if count == 0:
            self.future.set_result([])

    def place(self, index: int, placed: Placed) -> None:
        self._placed[index] = placed
        self._missing -= 1
        if self._missing == 0 and not self.future.done():
            self.future.set_result(self._placed)

    def fail(self, outage: Outage) -> None:
        if not self.future.done():
            self.future.set_exception(outage)


Entry = tuple[Submission, int, str | bytes | None, bytes, Headers]


class Lane:
    """The appends to one partition, in order. After a failure it takes no more."""

    def __init__(
        self, producer: AIOKafkaProducer, topic: str, partition: int, time_limit: float, failed: Callable[[Outage], None]
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._time_limit = time_limit
        self._failed = failed
        self._waiting: deque[Entry] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, submission: Submission, index: int, key: str | bytes | None, value: bytes, headers: Headers) -> None:
        self._waiting.append((submission, index, key, value, headers))
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def idle(self) -> None:
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        while self._waiting:
            builder = self._producer.create_batch()
            leaving = self._fill(builder)
            try:
                base = await self._send(builder)
            except Outage as outage:
                self._fail(leaving, outage)
                return
            for place, (submission, index, *_) in enumerate(leaving, base):
                submission.place(index, Placed(self._topic, self._partition, place))
        self._task = None

    def _fill(self, builder: BatchBuilder) -> list[Entry]:
        """Take what fits into one batch; a record larger than a batch goes alone."""
        leaving: list[Entry] = []
        waiting = self._waiting
        while waiting:
            entry = waiting[0]
            key = entry[2].encode() if isinstance(entry[2], str) else entry[2]
            if builder.append(timestamp=None, key=key, value=entry[3], headers=entry[4]) is None:
                break
            leaving.append(waiting.popleft())
        builder.close()
        return leaving

    async def _send(self, builder: BatchBuilder) -> int:
        """The offset of the batch's first record."""
        try:
            async with asyncio.timeout(self._time_limit):
                delivered = await self._producer.send_batch(builder, self._topic, partition=self._partition)
                offset = int((await delivered).offset)
        except (KafkaError, TimeoutError) as error:
            raise Outage(f"no acknowledgement from {self._topic}/{self._partition}: {error!r}") from error
        if offset < 0:
            raise Outage(f"{self._topic}/{self._partition} acknowledged a batch without saying where it stands")
        return offset

    def _fail(self, leaving: list[Entry], outage: Outage) -> None:
        self._failed(outage)
        for submission, *_ in (*leaving, *self._waiting):
            submission.fail(outage)
        self._waiting.clear()
