"""The projection kept equal to the log: a replay in bulk, then Faust's tables, and a watch over both.

A consumer that has silently stopped looks alive in every other way. So the watch compares what was read with what the
log held at the check before, and ends a gateway that is left behind: a restart replays the log.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from mist_eventlog import KafkaAddress, LogResetError, OutageError, Reader, Tail
from mist_gateway.projection.faust_tables import LogTable, Tables, add_tables, new_app
from mist_gateway.projection.state import Projection

log = structlog.get_logger("mist.gateway")

WATCH_PAUSE = 1.0
CHECK_PAUSE = 10.0
STOP_LIMIT = 5.0
READ_LIMIT = 2.0


class CrashedError(Exception):
    """The gateway no longer follows the log: its tables would be a frozen picture."""


class Lag:
    """Lag of one topic, measured against the end offsets of the check before: those must have been read by now."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._ends: Mapping[int, int] = {}
        self._read: tuple[int, ...] = ()
        self.records = 0
        self.frozen = False

    def check(self, read: Sequence[int], ends: Mapping[int, int]) -> None:
        """Compare. `read[p]`: last offset read of partition `p`, -1 for none; `ends`: offsets of the next records, now.

        Without `ends`, when Kafka does not answer, nothing is judged.
        """
        self.records = sum(max(0, end - 1 - read[partition]) for partition, end in self._ends.items())
        self.frozen = self.records > 0 and tuple(read) == self._read
        self._ends, self._read = ends, tuple(read)

    @property
    def sentence(self) -> str | None:
        """Reason why the gateway's answers are old; `None` when they are not."""
        return f"Mist is {self.records} records of {self._topic} behind." if self.records else None


class Follower:
    """Feeds the projection from the log. `start_timeout`: seconds that Faust may take to start."""

    def __init__(
        self, kafka: KafkaAddress, reader: Reader, projection: Projection, *, folder: Path, start_timeout: float
    ) -> None:
        self._kafka = kafka
        self._reader = reader
        self._start_timeout = start_timeout
        self.tables: Tables = add_tables(new_app(kafka, folder), projection)
        self.lags = {table.topic: Lag(table.topic) for table in self.tables.all}
        self.crashed = False

    @property
    def rebalancing(self) -> bool:
        return self.tables.rebalancing

    @property
    def lag_sentence(self) -> str | None:
        return next((lag.sentence for lag in self.lags.values() if lag.records), None)

    async def replay(self) -> None:
        """Fold the log up to its end in bulk, many times faster than Faust's own recovery."""
        tables = {table.topic: table for table in self.tables.all}
        started, count = time.monotonic(), 0
        async with Tail(self._kafka, tuple(tables)) as tail:
            for (topic, partition), first in tail.positions.items():
                tables[topic].start_at({partition: first})
            async for records in tail.replay():
                count += len(records)
                for record in records:
                    table = tables[record.topic]
                    table.apply(table.partition(record.partition), record.offset, record.value, record.time)
                await asyncio.sleep(0)
        log.info("log-replayed", records=count, seconds=round(time.monotonic() - started, 3))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Run Faust from where the replay ended. Raises `CrashedError` when it does not start in time."""
        try:
            async with asyncio.timeout(self._start_timeout):
                await self.tables.start()
                await self._wait_until_following()
            yield
        except TimeoutError as error:
            raise CrashedError("Faust did not begin to follow Kafka in time") from error
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(STOP_LIMIT):
                    await self.tables.stop()

    async def catch_up(self, topic: str, partition: int | None = None) -> None:
        """Wait, `READ_LIMIT` seconds at most, until all that the topic holds now is folded; or one partition of it."""
        for number, end in (await self.ends(topic)).items():
            if partition in {None, number}:
                await self.wait_folded(topic, number, end - 1, READ_LIMIT)

    async def wait_folded(self, topic: str, partition: int, offset: int, limit: float) -> bool:
        """Wait, `limit` seconds at most, until the record is folded. True when it is."""
        table = next(table for table in self.tables.all if table.topic == topic)
        return await table.wait_applied(partition, offset, limit)

    async def watch_faust(self) -> None:
        """Run for ever. Raises `CrashedError` once Faust has stopped."""
        while True:
            self.check_faust()
            await asyncio.sleep(WATCH_PAUSE)

    def check_faust(self) -> None:
        failure = self.tables.failure
        if failure is not None:
            self.crashed = True
            raise CrashedError(failure)

    async def watch_log(self) -> None:
        """Run for ever. Raises `LogResetError` for a topic made anew, `CrashedError` for one that is read no more."""
        while True:
            for table in self.tables.all:
                await self.check_table(table)
            await asyncio.sleep(CHECK_PAUSE)

    async def check_table(self, table: LogTable) -> None:
        lag = self.lags[table.topic]
        read = table.offsets()  # before the ends are asked for: what is read meanwhile lies beyond them
        ends = await self.ends(table.topic)
        for partition, end in ends.items():
            if end <= read[partition]:
                raise LogResetError(f"{table.topic}/{partition} ends at {end}, below what was read: it was made anew")
        lag.check(read, ends)
        if lag.frozen:
            self.crashed = True
            raise CrashedError(
                f"nothing of {table.topic} was read for {CHECK_PAUSE:.0f} s, though {lag.records} records wait"
            )

    async def ends(self, topic: str) -> dict[int, int]:
        """End offset of each partition; empty when Kafka does not answer."""
        try:
            return await self._reader.ends(topic)
        except OutageError as outage:
            log.warning("kafka-awaited", kafka=self._kafka.bootstrap, reason=str(outage))
            return {}

    async def _wait_until_following(self) -> None:
        while not self.tables.following:
            self.check_faust()
            await asyncio.sleep(0.02)
