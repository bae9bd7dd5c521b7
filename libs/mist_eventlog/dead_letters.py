"""Records that could not be understood, kept whole with the reason."""

from mist_eventlog.appender import Appender
from mist_eventlog.record import Placed, Record

TOPIC = "mist.dead-letters"


async def dead_letter(appender: Appender, record: Record, reason: str) -> Placed:
    """Append the record's own key and bytes; where it stood and why it is here are the headers."""
    headers = [
        ("reason", reason.encode()),
        ("topic", record.topic.encode()),
        ("partition", str(record.partition).encode()),
        ("offset", str(record.offset).encode()),
        ("time", str(record.time).encode()),
    ]
    return await appender.append(TOPIC, record.key, record.value, headers)
