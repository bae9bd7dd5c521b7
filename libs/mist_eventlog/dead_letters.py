"""Dead letters: records that could not be decoded, kept whole with the reason."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from mist_eventlog.address import KafkaAddress
from mist_eventlog.appender import Appender
from mist_eventlog.metrics import DEAD_LETTERS as LETTERS_WRITTEN
from mist_eventlog.record import Record, RecordMetadata
from mist_eventlog.tail import Tail
from mist_eventlog.topics.names import DEAD_LETTERS


async def dead_letter(appender: Appender, record: Record, reason: str) -> RecordMetadata:
    """Append the record's own key and bytes; headers say its topic, partition, offset and time, and the reason."""
    headers = [
        ("reason", reason.encode()),
        ("topic", record.topic.encode()),
        ("partition", str(record.partition).encode()),
        ("offset", str(record.offset).encode()),
        ("time", str(record.time).encode()),
    ]
    appended = await appender.append(DEAD_LETTERS, record.key, record.value, headers)
    LETTERS_WRITTEN.labels(record.topic).inc()
    return appended


class DeadLetter(NamedTuple):
    """`place` is the topic, partition and offset of the original record; `record` is the letter itself."""

    place: tuple[str, int, int]
    reason: str
    record: Record


async def dead_letters(kafka: str | KafkaAddress) -> AsyncIterator[DeadLetter]:
    """Every dead letter so far; records without our headers are skipped."""
    async with Tail(kafka, [DEAD_LETTERS]) as tail:
        async for records in tail.replay():
            for record in records:
                letter = _letter(record)
                if letter is not None:
                    yield letter


def _letter(record: Record) -> DeadLetter | None:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    try:
        place = headers["topic"], int(headers["partition"]), int(headers["offset"])
        return DeadLetter(place, headers["reason"], record)
    except (KeyError, ValueError):
        return None
