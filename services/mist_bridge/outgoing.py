"""Events from `mist.events.json` to MQTT: each once, in order per job; where it stands is the group's offsets."""

import asyncio
import contextlib

from mist_bridge.messages import fit
from mist_bridge.mqtt import Connection
from mist_domain.wire.cursor import read_cursor
from mist_domain.wire.json_text import read_json
from mist_eventlog import GroupTail, KafkaAddress, Reader, Record, committed
from mist_eventlog.topics.names import EVENTS_JSON

CHUNK = 200


class Outgoing:
    """`moved(ends)` says how far the topic goes; what lies between the commits and that is published."""

    def __init__(self, kafka: KafkaAddress, group: str, most_bytes: int) -> None:
        self._kafka = kafka
        self._group = group
        self._most = most_bytes
        self._ends: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._moved = asyncio.Event()
        self.published = 0

    def moved(self, record: Record) -> None:
        self._ends[record.partition] = record.offset + 1
        self._moved.set()

    async def publish_all(self, connection: Connection, reader: Reader, seat: GroupTail) -> None:
        """For ever, as the active bridge, from what the group has committed. Raises `aiomqtt.MqttError`, `OutageError`."""
        found = await committed(self._kafka, self._group, EVENTS_JSON)
        places = {partition: found.get(partition, 0) for partition in await reader.ends(EVENTS_JSON)}
        while True:
            self._moved.clear()
            behind = [partition for partition, place in places.items() if place < self._ends.get(partition, 0)]
            for partition in behind:
                span = places[partition], min(self._ends[partition], places[partition] + CHUNK)
                await self._publish(connection, reader, partition, span)
                places[partition] = span[1]
                await seat.commit({partition: span[1]})
            if not behind:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), 1.0)

    async def _publish(self, connection: Connection, reader: Reader, partition: int, span: tuple[int, int]) -> None:
        """Handed over in their order, acknowledged in any."""
        last, texts = self._last.get(partition, -1), []
        async for records in reader.read_range(EVENTS_JSON, {partition: span}):
            for record in records:
                place = place_of(record)
                if place is not None and place > last:  # the same place again: two bridges told of it by turns
                    last = place
                    texts.append(fit(record.value.decode(), self._most))
        await asyncio.gather(*(connection.publish(text) for text in texts))
        self.published += len(texts)
        self._last[partition] = last


def place_of(record: Record) -> int | None:
    """The offset in `mist.job-events` that a record of `mist.events.json` tells of; `None` for a stranger's record."""
    try:
        cursor = read_json(record.value)["cursor"]
        offsets = read_cursor(cursor, _count(cursor))
    except Exception:  # noqa: BLE001 (whoever may write to the topic can put anything there)
        return None
    return max(offsets)


def _count(cursor: str) -> int:
    return len(cursor) * 3 // 4 // 8
