"""A group in which one member reads: taking turns, standby members, continuing from the committed offsets."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from mist_eventlog import Appender, GroupTail, committed

REQUESTS = "mist.requests"
ALL = frozenset(range(8))
LIMIT = 30.0
SESSION = 6.0


class Member:
    """A member that reads as services do, and what it has read since it last became the reader."""

    def __init__(self, kafka: str, group: str, session: float = SESSION, instance: str | None = None) -> None:
        self.values: list[bytes] = []
        self.changes: list[frozenset[int]] = []
        self.tail = GroupTail(
            kafka, REQUESTS, group, session_timeout=session, instance=instance, on_change=self.changed
        )
        self._running: asyncio.Task[None] | None = None

    async def join(self) -> None:
        await self.tail.start()
        self._running = asyncio.create_task(self._read_on())

    async def leave(self) -> None:
        """Stop reading, then leave the group; nothing is done the second time."""
        if self._running is None:
            return
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        self._running = None
        await self.tail.stop()

    async def die(self) -> None:
        """Say nothing more to anybody, as a process that was killed."""
        assert self._running is not None
        self._running.cancel()
        await self.tail._consumer._client.close()
        await self.tail._consumer._coordinator._stop_heartbeat_task()

    def changed(self, owned: frozenset[int]) -> None:
        self.changes.append(owned)
        self.values.clear()

    async def _read_on(self) -> None:
        while True:
            self.values += [record.value for record in await self.tail.next_batch(0.5)]


@asynccontextmanager
async def member(kafka: str, group: str) -> AsyncIterator[Member]:
    reader = Member(kafka, group)
    await reader.join()
    try:
        yield reader
    finally:
        await reader.leave()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - any condition, not an event
            await asyncio.sleep(0.02)


@pytest.fixture
async def appender(kafka: str) -> AsyncIterator[Appender]:
    async with Appender(kafka) as started:
        yield started


@pytest.fixture
def group() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


async def append(appender: Appender, mark: str, count: int) -> set[bytes]:
    values = [f"{mark} {number}".encode() for number in range(count)]
    await appender.append_all([(REQUESTS, value, value) for value in values])
    return set(values)


async def test_the_first_member_reads_everything_from_the_beginning(kafka: str, group: str, appender: Appender) -> None:
    values = await append(appender, group, 50)
    async with member(kafka, group) as reader:
        await until(lambda: values <= set(reader.values))
        assert reader.tail.owned == ALL
        assert reader.changes == [ALL]


async def test_who_joins_stands_by_and_the_reader_reads_on_without_repeating(
    kafka: str, group: str, appender: Appender
) -> None:
    before = await append(appender, f"{group} before", 50)
    async with member(kafka, group) as reader:
        await until(lambda: before <= set(reader.values))
        async with member(kafka, group) as standby:
            during = await append(appender, f"{group} during", 50)
            await until(lambda: during <= set(reader.values))
        after = await append(appender, f"{group} after", 50)
        await until(lambda: after <= set(reader.values))
        assert standby.values == []
        assert reader.changes == [ALL]
        assert len(reader.values) == len(set(reader.values))


async def test_when_the_reader_leaves_another_goes_on_from_what_was_committed(
    kafka: str, group: str, appender: Appender
) -> None:
    first = await append(appender, f"{group} first", 50)
    async with member(kafka, group) as standby:
        await until(lambda: first <= set(standby.values))
        async with member(kafka, group) as late:
            second = await append(appender, f"{group} second", 50)
            await until(lambda: second <= set(standby.values))
            offsets = {partition: offset - 2 for partition, offset in ends(standby).items()}
            async with asyncio.timeout(LIMIT):  # a commit does nothing while the members are being counted
                while await committed(kafka, group, REQUESTS) != offsets:
                    await standby.tail.commit(offsets)
            await standby.leave()
            await until(lambda: late.tail.owned == ALL)
            await until(lambda: len(late.values) == 2 * len(ALL))


def ends(reader: Member) -> dict[int, int]:
    """The member's position in each partition."""
    return {place.partition: offset for place, offset in reader.tail._positions.items()}


async def test_a_named_reader_that_died_is_not_missed_once_it_is_back(
    kafka: str, group: str, appender: Appender
) -> None:
    """Its session is far longer than the test waits: the dead one's place is taken, not waited for."""
    values = await append(appender, group, 50)
    died = Member(kafka, group, 4 * LIMIT, "a")
    await died.join()
    await until(lambda: died.tail.owned == ALL)
    await died.die()
    back = Member(kafka, group, 4 * LIMIT, "a")
    await back.join()
    await until(lambda: values <= set(back.values))
    await back.leave()


async def test_a_named_reader_that_leaves_is_followed_at_once(kafka: str, group: str, appender: Appender) -> None:
    values = await append(appender, group, 50)
    named, standby = Member(kafka, group, 4 * LIMIT, "a"), Member(kafka, group, 4 * LIMIT, "b")
    await named.join()
    await until(lambda: values <= set(named.values))
    await standby.join()
    await named.leave()
    await until(lambda: values <= set(standby.values))
    await standby.leave()


async def test_a_commit_of_one_who_stands_by_changes_nothing(kafka: str, group: str) -> None:
    async with member(kafka, group) as reader:
        await until(lambda: reader.tail.owned == ALL)
        async with member(kafka, group) as standby:
            await until(lambda: standby.tail._consumer.assignment() == frozenset())
            await standby.tail.commit({0: 1})
            assert await committed(kafka, group, REQUESTS) == {}
