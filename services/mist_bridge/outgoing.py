"""Events from `mist.events.json` to MQTT: each once, in the order of its job; the group's commits are the position."""

import asyncio
import contextlib

from mist_bridge.backlog import announced_offset
from mist_bridge.messages import fit
from mist_bridge.mqtt import Connection
from mist_eventlog import GroupTail, KafkaAddress, Reader, Record, committed
from mist_eventlog.topics.names import EVENTS_JSON

CHUNK = 200


class Outgoing:
    """Publishes the records between the group's commits and the newest one given to `moved`."""

    def __init__(self, kafka: KafkaAddress, group: str, limit_bytes: int) -> None:
        """`limit_bytes`: the largest message that the MQTT broker accepts."""
        self._kafka = kafka
        self._group = group
        self._limit = limit_bytes
        self._ends: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._moved = asyncio.Event()
        self.published = 0

    def moved(self, record: Record) -> None:
        """Note that the topic reaches to this record."""
        self._ends[record.partition] = record.offset + 1
        self._moved.set()

    async def publish_all(self, connection: Connection, reader: Reader, member: GroupTail) -> None:
        """Publish for ever, as the active bridge. Raises `aiomqtt.MqttError`, `OutageError`."""
        found = await committed(self._kafka, self._group, EVENTS_JSON)
        positions = {partition: found.get(partition, 0) for partition in await reader.ends(EVENTS_JSON)}
        while True:
            self._moved.clear()
            behind = [partition for partition, offset in positions.items() if offset < self._ends.get(partition, 0)]
            for partition in behind:
                span = positions[partition], min(self._ends[partition], positions[partition] + CHUNK)
                await self._publish(connection, reader, partition, span)
                positions[partition] = span[1]
                await member.commit({partition: span[1]})
            if not behind:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._moved.wait(), 1.0)

    async def _publish(self, connection: Connection, reader: Reader, partition: int, span: tuple[int, int]) -> None:
        """Publish the records of the offsets `span`; MQTT may acknowledge them in any order."""
        last, texts = self._last.get(partition, -1), []
        async for records in reader.read_range(EVENTS_JSON, {partition: span}):
            for record in records:
                offset = announced_offset(record.value)
                if offset is not None and offset > last:  # not a second time, after two bridges were active in turn
                    last = offset
                    texts.append(fit(record.value.decode(), self._limit))
        await asyncio.gather(*(connection.publish(text) for text in texts))
        self.published += len(texts)
        self._last[partition] = last
