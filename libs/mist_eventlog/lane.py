"""One partition's queue of appends: one batch is under way, what comes meanwhile leaves together after it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from mist_eventlog.errors import Outage
from mist_eventlog.figures import APPEND_SECONDS, APPENDED
from mist_eventlog.record import Placed

Headers = Sequence[tuple[str, bytes]]


class Submission:
    """What was handed over together; `future` is done when every record of it is acknowledged."""

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

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


Entry = tuple[Submission, int, bytes | None, bytes, Headers]


class Lane:
    """The appends to one partition, in order. After a failure it takes no more."""

    def __init__(
        self,
        producer: AIOKafkaProducer,
        topic: str,
        partition: int,
        time_limit: float,
        failed: Callable[[Exception], None],
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._time_limit = time_limit
        self._failed = failed
        self._waiting: deque[Entry] = deque()
        self._leaving: list[Entry] = []
        self._task: asyncio.Task[None] | None = None
        self._sent_at: float | None = None

    def put(self, entry: Entry) -> None:
        self._waiting.append(entry)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def stalled(self) -> float:
        """Seconds since the batch under way was handed to Kafka; 0 when there is none."""
        return 0.0 if self._sent_at is None else time.monotonic() - self._sent_at

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._send_next()
        except Exception as error:  # noqa: BLE001 - where the task ends: whoever waits for an append is told
            self._fail(error)
        else:
            self._task = None

    async def _send_next(self) -> None:
        builder = self._producer.create_batch()
        self._fill(builder)
        self._sent_at = time.monotonic()
        base = await self._send(builder)
        APPEND_SECONDS.labels(self._topic).observe(time.monotonic() - self._sent_at)
        APPENDED.labels(self._topic).inc(len(self._leaving))
        self._sent_at = None
        topic, partition = self._topic, self._partition
        for offset, entry in enumerate(self._leaving, base):
            entry[0].place(entry[1], Placed(topic, partition, offset))

    def _fill(self, builder: BatchBuilder) -> None:
        """Take what fits into one batch; a record larger than a batch goes alone."""
        waiting = self._waiting
        self._leaving = leaving = []
        while waiting:
            _, _, key, value, headers = waiting[0]
            if builder.append(timestamp=None, key=key, value=value, headers=list(headers)) is None:
                break
            leaving.append(waiting.popleft())
        builder.close()

    async def _send(self, builder: BatchBuilder) -> int:
        """The offset of the batch's first record."""
        try:
            async with asyncio.timeout(self._time_limit):
                delivery = await self._producer.send_batch(builder, self._topic, partition=self._partition)
                offset = int((await delivery).offset)
        except (KafkaError, TimeoutError) as error:
            raise Outage(f"no acknowledgement from {self._topic}/{self._partition}: {error!r}") from error
        if offset < 0:
            raise Outage(f"{self._topic}/{self._partition} acknowledged a batch without saying where it stands")
        return offset

    def _fail(self, error: Exception) -> None:
        self._failed(error)
        for entry in (*self._leaving, *self._waiting):
            entry[0].fail(error)
        self._waiting.clear()
