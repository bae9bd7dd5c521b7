"""Appending to a real broker: places, order, sizes, dead letters."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from confluent_kafka import Producer

from mist_eventlog import Appender, OutageError, Reader, Record, RecordMetadata, Tail, dead_letter
from mist_eventlog.dead_letters import dead_letters

EVENTS = "mist.job-events"
PARTITIONS = 8


@pytest.fixture
async def appender(kafka: str) -> AsyncIterator[Appender]:
    async with Appender(kafka) as started:
        yield started


async def whole(kafka: str, topic: str) -> list[Record]:
    async with Tail(kafka, [topic]) as tail:
        return [record async for records in tail.replay() for record in records]


def keys(count: int) -> list[str]:
    return [uuid.uuid4().hex for _ in range(count)]


async def test_an_append_is_at_the_offset_it_returns(kafka: str, appender: Appender) -> None:
    placed = await appender.append(EVENTS, "k", b"value")
    async with Reader(kafka) as reader:
        (record,) = await reader.fetch(EVENTS, placed.partition, [placed.offset])
    assert RecordMetadata(*record[:3]) == placed
    assert (record.key, record.value) == (b"k", b"value")
    assert placed.partition == appender.partition_of(EVENTS, "k")


async def test_places_come_in_the_order_of_the_items(kafka: str, appender: Appender) -> None:
    items = [(EVENTS, key, key.encode()) for key in keys(300)]
    placed = await appender.append_all(items)
    found = {RecordMetadata(*record[:3]): record.value for record in await whole(kafka, EVENTS)}
    assert [found[place] for place in placed] == [value for *_, value in items]


async def test_submissions_keep_their_order_though_none_was_waited_for(kafka: str, appender: Appender) -> None:
    names = keys(20)
    futures = [appender.submit([(EVENTS, key, f"{key} {number}".encode()) for key in names]) for number in range(200)]
    await asyncio.gather(*futures)
    records = await whole(kafka, EVENTS)
    for key in names:
        mine = [record.value for record in records if record.key == key.encode()]
        assert mine == [f"{key} {number}".encode() for number in range(200)]


async def test_a_large_record_among_small_ones_keeps_its_place(kafka: str, appender: Appender) -> None:
    values = [b"a", b"b" * 7_900_000, b"c", b"d" * 1_500_000, b"e"]
    placed = await appender.append_all([(EVENTS, "large", value) for value in values])
    assert [place.offset for place in placed] == list(range(placed[0].offset, placed[0].offset + 5))
    records = [record for record in await whole(kafka, EVENTS) if record.key == b"large"]
    assert [record.value for record in records] == values


async def test_a_record_that_no_topic_accepts_is_refused_before_it_is_sent(appender: Appender) -> None:
    with pytest.raises(ValueError, match="8000001 bytes, where 8000000"):
        await appender.append(EVENTS, "k", b"x" * 8_000_001)
    await appender.append(EVENTS, "k", b"the next one is served")


async def test_a_topic_of_unknown_width_is_refused(appender: Appender) -> None:
    with pytest.raises(ValueError, match=r"nobodys is not in topics\.yaml"):
        await appender.append("nobodys", "k", b"x")


async def test_records_without_a_key_are_spread(appender: Appender) -> None:
    placed = await appender.append_all([(EVENTS, None, b"x")] * 16)
    assert {place.partition for place in placed} == set(range(PARTITIONS))


async def test_nothing_to_append_is_done_at_once(appender: Appender) -> None:
    assert await appender.append_all([]) == []


async def test_partitions_are_those_of_confluents_murmur2(kafka: str, appender: Appender) -> None:
    """Any client with the partitioner `murmur2_random` puts a key where we do."""
    names = keys(200)
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    for key in names:
        producer.produce(EVENTS, key=key, value=b"theirs")
    assert producer.flush(20) == 0
    theirs = {record.key: record.partition for record in await whole(kafka, EVENTS) if record.value == b"theirs"}
    assert theirs == {key.encode(): appender.partition_of(EVENTS, key) for key in names}


async def test_a_dead_letter_is_the_record_whole_with_its_reason(kafka: str, appender: Appender) -> None:
    record = Record("mist.requests", 3, 41, 1_496_750_000_000, b"\xff no text", b"\x00\x01 no Avro")
    await dead_letter(appender, record, "neither Avro nor JSON")
    (letter,) = [letter async for letter in dead_letters(kafka)]
    assert letter.place == ("mist.requests", 3, 41)
    assert letter.reason == "neither Avro nor JSON"
    assert (letter.record.key, letter.record.value) == (record.key, record.value)
    assert dict(letter.record.headers)["time"] == b"1496750000000"


async def test_no_broker_is_an_outage() -> None:
    with pytest.raises(OutageError, match=r"no Kafka broker answers at 127\.0\.0\.1:1"):
        await Appender("127.0.0.1:1", time_limit=2.0).start()
