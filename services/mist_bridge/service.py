"""The bridge's loops. One member of the group tells and listens; the others know all it knows and stand by."""

import asyncio
from typing import get_args

import structlog

from mist_bridge.incoming import Incoming
from mist_bridge.mqtt import Connection, keep_connected, together
from mist_bridge.outgoing import Outgoing, place_of
from mist_bridge.settings import BridgeSettings
from mist_bridge.telling import Telling
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.records import RECORDS
from mist_eventlog import Appender, Codec, GroupTail, Leadership, Partition, PoisonError, Reader, Record, Tail
from mist_eventlog.topics.names import EVENTS_JSON

LONGEST_WAIT = 1.0

log = structlog.get_logger("mist.bridge")


class Bridge:
    """`tail` follows the log and, from its last records on, `mist.events.json`, which shows what was told."""

    def __init__(
        self, settings: BridgeSettings, appender: Appender, tail: Tail, reader: Reader, telling: Telling
    ) -> None:
        self._codec = Codec(RECORDS)
        self.telling = telling
        self.incoming = Incoming(appender, self._codec)
        self.outgoing = Outgoing(settings.kafka_address(), settings.bridge_group, settings.mqtt_packet_bytes)
        self.away: str | None = None if not settings.mqtt_host else "MQTT was not reached yet"
        self._settings = settings
        self._appender = appender
        self._tail = tail
        self._reader = reader
        self._newest = 0
        self._active_now = asyncio.Event()
        self._leadership = Leadership(tail, on_change=self._active_now.clear)
        self._seat = GroupTail(
            settings.kafka_address(),
            EVENTS_JSON,
            settings.bridge_group,
            session_timeout=settings.bridge_session_seconds,
            on_change=self._leadership.ownership_changed,
        )

    @property
    def active(self) -> bool:
        """True while this instance publishes; false for a standby."""
        return self._leadership.active

    def lag(self) -> dict[str, int]:
        return self._tail.lag()

    async def replay(self) -> None:
        """Read to the ends; what was told already is known first, since it stands in the last records there."""
        count = 0
        async for records in self._tail.replay():
            self._take(records)
            count += len(records)
        log.info("log-replayed", records=count, jobs=self.telling.jobs, untold=len(self.telling))

    async def run(self) -> None:
        """For ever, or until something fails."""
        await self._seat.start()
        try:
            await together(self._tell_for_ever(), self._sit(), self._mqtt())
        finally:
            await self._seat.stop()

    async def _tell_for_ever(self) -> None:
        while True:
            self._take(await self._tail.next_batch(LONGEST_WAIT if self.active else 0.1))
            if await self._leadership.becomes_active():
                self._begin()
            if self.active:
                for told in self.telling.take():
                    self._appender.submit([(EVENTS_JSON, told.job_id, told.text.encode())])

    async def _sit(self) -> None:
        """Keep the seat in the group; what it reads is read by the tail."""
        while True:
            await self._seat.next_batch(LONGEST_WAIT)

    async def _mqtt(self) -> None:
        if not self._settings.mqtt_host:
            await asyncio.Event().wait()
        while True:
            await self._active_now.wait()
            await together(keep_connected(self._settings, self._serve_mqtt, self._said), self._no_longer_active())

    async def _serve_mqtt(self, connection: Connection) -> None:
        await together(
            self.incoming.take_all(connection), self.outgoing.publish_all(connection, self._reader, self._seat)
        )

    def _said(self, away: str | None) -> None:
        self.away = away

    async def _no_longer_active(self) -> None:
        while self._active_now.is_set():  # noqa: ASYNC110 - an event cannot be awaited to be cleared
            await asyncio.sleep(0.1)

    def _take(self, records: list[Record]) -> None:
        for record in records:
            if record.topic == EVENTS_JSON:
                self._read_back(record)
            else:
                self._fold(record)

    def _read_back(self, record: Record) -> None:
        self.outgoing.moved(record)
        place = place_of(record)
        if place is not None:
            self.telling.read_back(record.partition, place)

    def _fold(self, record: Record) -> None:
        self._newest = max(self._newest, record.time)
        try:
            event = self._codec.decode(record.value)
        except PoisonError as poison:
            log.warning("record-passed-over", reason=poison.reason, partition=record.partition, offset=record.offset)
            return
        if isinstance(event, get_args(JobEvent)):
            self.telling.fold(event, record.partition, record.offset, record.time, self._newest)

    def _begin(self) -> None:
        self.telling.begin()
        self._active_now.set()
        log.info("bridge-active", untold=len(self.telling))


async def told_so_far(reader: Reader, telling: Telling) -> dict[Partition, int]:
    """Note what `mist.events.json` ends with; where its tail is to begin."""
    ends = await reader.ends(EVENTS_JSON)
    for partition, end in ends.items():
        for record in await reader.fetch(EVENTS_JSON, partition, [end - 1]):
            place = place_of(record)
            if place is not None:
                telling.read_back(partition, place)
    return {(EVENTS_JSON, partition): max(0, end - 1) for partition, end in ends.items()}
