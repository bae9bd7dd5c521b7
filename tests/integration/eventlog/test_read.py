"""Reading a real broker: replay, tail, look-ups, topics that lose records or are made anew."""

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mist_eventlog import Appender, LogResetError, OutageError, Reader, Record, RecordMetadata, Tail

EVENTS, REQUESTS = "mist.job-events", "mist.requests"
PARTITIONS = 3
LIMIT = 20.0


@pytest.fixture
def admin(kafka: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka})


@pytest.fixture
def topic(admin: AdminClient) -> Iterator[str]:
    """A topic of this test alone."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    make(admin, name)
    yield name
    remove(admin, name)


@pytest.fixture
async def appender(kafka: str, topic: str) -> AsyncIterator[Appender]:
    async with Appender(kafka, partitions={topic: PARTITIONS, EVENTS: 8, REQUESTS: 8}) as started:
        yield started


def make(admin: AdminClient, name: str) -> None:
    admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)])[name].result(LIMIT)


def remove(admin: AdminClient, name: str) -> None:
    admin.delete_topics([name])[name].result(LIMIT)


async def fill(appender: Appender, topic: str, count: int) -> list[RecordMetadata]:
    return await appender.append_all([(topic, str(number), str(number).encode()) for number in range(count)])


async def read_until(tail: Tail, enough: Callable[[list[Record]], bool]) -> list[Record]:
    records: list[Record] = []
    async with asyncio.timeout(LIMIT):
        while not enough(records):
            records += await tail.next_batch(1.0)
    return records


async def until_raised(kind: type[Exception], step: Callable[[], Coroutine[Any, Any, Any]]) -> str:
    async with asyncio.timeout(LIMIT):
        while True:
            try:
                await step()
            except kind as error:
                return str(error)


async def test_a_replay_reads_all_of_several_topics_and_then_the_tail_goes_on(
    kafka: str, topic: str, appender: Appender
) -> None:
    await fill(appender, topic, 1000)
    await fill(appender, REQUESTS, 10)
    async with Tail(kafka, [topic, REQUESTS]) as tail:
        replayed = [record async for records in tail.replay() for record in records]
        assert len({record[:3] for record in replayed}) == len(replayed) == 1010
        assert tail.replayed
        assert tail.positions == tail.ends == await tail.present_ends()
        placed = await appender.append(topic, "k", b"later")
        (later,) = await read_until(tail, bool)
        assert RecordMetadata(*later[:3]) == placed
        assert tail.positions[topic, placed.partition] == placed.offset + 1


async def test_each_partition_comes_in_its_order(kafka: str, topic: str, appender: Appender) -> None:
    await fill(appender, topic, 500)
    async with Tail(kafka, [topic]) as tail:
        records = [record async for batch in tail.replay() for record in batch]
    for partition in range(PARTITIONS):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == list(range(len(offsets)))


async def test_an_empty_log_is_replayed_at_once(kafka: str, topic: str) -> None:
    async with asyncio.timeout(LIMIT), Tail(kafka, [topic]) as tail:
        assert [batch async for batch in tail.replay()] == []


async def test_a_tail_begins_at_the_offsets_it_is_given(kafka: str, topic: str, appender: Appender) -> None:
    placed = await fill(appender, topic, 300)
    offsets = {(topic, partition): 40 for partition in range(PARTITIONS - 1)}
    async with Tail(kafka, [topic], offsets=offsets) as tail:
        records = [record async for batch in tail.replay() for record in batch]
    expected = [place for place in placed if place.offset >= offsets.get((topic, place.partition), 0)]
    assert sorted(record[:3] for record in records) == sorted(expected)


async def test_waiting_for_a_record_ends_after_the_time_given(kafka: str, topic: str) -> None:
    async with Tail(kafka, [topic]) as tail:
        begun = time.monotonic()
        assert await tail.next_batch(0.3) == []
        assert 0.2 < time.monotonic() - begun < 2.0
        assert await anext(tail.batches(0.1)) == []


async def test_a_record_is_seen_soon_after_it_was_appended(kafka: str, topic: str, appender: Appender) -> None:
    """A long poll that is woken, not a pause between polls: well below the poll's quarter of a second."""
    async with Tail(kafka, [topic, REQUESTS, EVENTS]) as tail:
        async for _ in tail.replay():
            pass
        waits = []
        for number in range(30):
            begun = time.monotonic()
            await appender.append(topic, str(number), b"x")
            await read_until(tail, bool)
            waits.append(time.monotonic() - begun)
    assert sorted(waits)[len(waits) // 2] < 0.05


@pytest.mark.parametrize(("gather", "rest"), [(0.05, 0.0), (0.0, 0.02)])
async def test_a_reader_that_is_in_no_hurry_misses_nothing(
    kafka: str, topic: str, appender: Appender, gather: float, rest: float
) -> None:
    async with Tail(kafka, [topic], gather=gather, rest=rest) as tail:
        values = [b"%d" % number for number in range(100)]
        found: list[bytes] = []
        for value in values:
            await appender.append(topic, b"one key", value)
        async with asyncio.timeout(LIMIT):
            while len(found) < len(values):
                found += [record.value for record in await tail.next_batch(1.0)]
        assert found == values


async def test_deleted_records_are_passed_over(kafka: str, topic: str, appender: Appender, admin: AdminClient) -> None:
    """Retention took what was to be read next; the rest is read."""
    await fill(appender, topic, 300)
    async with Tail(kafka, [topic]) as tail:
        place = TopicPartition(topic, 0, 50)
        admin.delete_records([place])[TopicPartition(topic, 0)].result(LIMIT)
        records = await read_until(tail, lambda _: tail.replayed)
    assert min(record.offset for record in records if record.partition == 0) == 50
    async with Tail(kafka, [topic], offsets={(topic, 0): 7}) as tail:
        assert tail.positions[topic, 0] == 50


async def test_a_topic_made_anew_is_noticed(kafka: str, topic: str, appender: Appender, admin: AdminClient) -> None:
    await fill(appender, topic, 300)
    async with Tail(kafka, [topic]) as tail:
        async for _ in tail.replay():
            pass
        remove(admin, topic)
        make(admin, topic)
        message = await until_raised(LogResetError, lambda: tail.next_batch(1.0))
    assert f"{topic}/" in message
    assert "the topic was recreated" in message


async def test_offsets_beyond_the_end_are_refused_at_the_start(kafka: str, topic: str) -> None:
    with pytest.raises(LogResetError, match=f"{topic}/1 ends at offset 0 but was read up to 5"):
        await Tail(kafka, [topic], offsets={(topic, 1): 5}).start()


async def test_a_missing_topic_is_an_outage(kafka: str) -> None:
    with pytest.raises(OutageError, match="topic nobodys does not exist"):
        await Tail(kafka, ["nobodys"]).start()


async def test_records_are_looked_up_by_their_offsets(kafka: str, topic: str, appender: Appender) -> None:
    placed = await fill(appender, topic, 300)
    mine = [place for place in placed if place.partition == 1]
    wanted = [mine[40].offset, mine[3].offset, mine[4].offset, 10_000]
    async with Reader(kafka) as reader:
        found = await reader.fetch(topic, 1, wanted)
        assert [record.offset for record in found] == [mine[3].offset, mine[4].offset, mine[40].offset]
        assert await reader.fetch(topic, 2, []) == []
        several = await asyncio.gather(*(reader.fetch(topic, 1, [offset]) for offset in range(20)))
        assert [record.offset for (record,) in several] == list(range(20))


async def test_look_ups_do_not_wait_for_polls(kafka: str, topic: str, appender: Appender) -> None:
    """A look-up right after another one is not held up by a poll that the first one left behind."""
    await fill(appender, topic, 100)
    async with Reader(kafka) as reader:
        await reader.fetch(topic, 0, [0])
        begun = time.monotonic()
        for offset in itertools.islice(itertools.cycle(range(10)), 20):
            await reader.fetch(topic, offset % PARTITIONS, [offset, offset + 5])
        assert time.monotonic() - begun < 2.0


async def test_a_range_is_read_up_to_its_end(kafka: str, topic: str, appender: Appender) -> None:
    await fill(appender, topic, 3000)
    async with Reader(kafka) as reader:
        ends = await reader.ends(topic)
        assert sum(ends.values()) == 3000
        ranges = {0: (10, 500), 1: (0, 10_000), 2: (7, 7)}
        records = [record async for batch in reader.read_range(topic, ranges) for record in batch]
    expected = [(0, offset) for offset in range(10, 500)] + [(1, offset) for offset in range(ends[1])]
    assert sorted((record.partition, record.offset) for record in records) == expected
