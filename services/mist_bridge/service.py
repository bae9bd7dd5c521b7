"""The bridge's loops. One instance publishes events and forwards requests; the standbys fold all it folds."""

import asyncio
from typing import get_args

import structlog

from mist_bridge.backlog import Backlog, announced_offset
from mist_bridge.incoming import Incoming
from mist_bridge.mqtt import Connection, keep_connected, together
from mist_bridge.outgoing import Outgoing
from mist_bridge.settings import BridgeSettings
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.records import RECORDS
from mist_eventlog import Appender, Codec, GroupTail, Leadership, Partition, PoisonError, Reader, Record, Tail
from mist_eventlog.topics.names import EVENTS_JSON

LONGEST_WAIT = 1.0

log = structlog.get_logger("mist.bridge")


class Bridge:
    """`tail` follows the log and, from its last records on, `mist.events.json`, which shows what was published."""

    def __init__(
        self, settings: BridgeSettings, appender: Appender, tail: Tail, reader: Reader, backlog: Backlog
    ) -> None:
        self._codec = Codec(RECORDS)
        self.backlog = backlog
        self.incoming = Incoming(appender, self._codec)
        self.outgoing = Outgoing(settings.kafka_address(), settings.bridge_group, settings.mqtt_packet_bytes)
        self.away: str | None = None if not settings.mqtt_host else "MQTT is not connected yet"
        self._settings = settings
        self._appender = appender
        self._tail = tail
        self._reader = reader
        self._newest = 0
        self._active_now = asyncio.Event()
        self._standby_now = asyncio.Event()
        self._leadership = Leadership(tail, on_change=self._become_standby)
        self._member = GroupTail(
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
        """Read the log to its ends. `read_published` has noted before what needs no publishing."""
        count = 0
        async for records in self._tail.replay():
            self._read(records)
            count += len(records)
        log.info("log-replayed", records=count, jobs=self.backlog.jobs, untold=len(self.backlog))

    async def run(self) -> None:
        """Run for ever, or until something fails."""
        await self._member.start()
        try:
            await together(self._publish_for_ever(), self._stay_member(), self._mqtt())
        finally:
            await self._member.stop()

    async def _publish_for_ever(self) -> None:
        while True:
            self._read(await self._tail.next_batch(LONGEST_WAIT if self.active else 0.1))
            if await self._leadership.becomes_active():
                self._become_active()
            if self.active:
                for event in self.backlog.submit():
                    self._appender.submit([(EVENTS_JSON, event.job_id, event.text.encode())])

    async def _stay_member(self) -> None:
        """Stay a member of the group. Its records are dropped: the tail reads them, too."""
        while True:
            await self._member.next_batch(LONGEST_WAIT)

    async def _mqtt(self) -> None:
        if not self._settings.mqtt_host:
            await asyncio.Event().wait()
        while True:
            await self._active_now.wait()
            await together(keep_connected(self._settings, self._serve_mqtt, self._report), self._standby_now.wait())

    async def _serve_mqtt(self, connection: Connection) -> None:
        await together(
            self.incoming.forward_all(connection), self.outgoing.publish_all(connection, self._reader, self._member)
        )

    def _report(self, away: str | None) -> None:
        self.away = away

    def _read(self, records: list[Record]) -> None:
        for record in records:
            if record.topic == EVENTS_JSON:
                self._read_back(record)
            else:
                self._fold(record)

    def _read_back(self, record: Record) -> None:
        self.outgoing.moved(record)
        offset = announced_offset(record.value)
        if offset is not None:
            self.backlog.read_back(record.partition, offset)

    def _fold(self, record: Record) -> None:
        self._newest = max(self._newest, record.time)
        try:
            event = self._codec.decode(record.value)
        except PoisonError as poison:
            log.warning("record-passed-over", reason=poison.reason, partition=record.partition, offset=record.offset)
            return
        if isinstance(event, get_args(JobEvent)):
            self.backlog.fold(event, record.partition, record.offset, record.time, self._newest)

    def _become_standby(self) -> None:
        self._active_now.clear()
        self._standby_now.set()

    def _become_active(self) -> None:
        self.backlog.restart()
        self._standby_now.clear()
        self._active_now.set()
        log.info("bridge-active", untold=len(self.backlog))


async def read_published(reader: Reader, backlog: Backlog) -> dict[Partition, int]:
    """Note the last event of each partition of `mist.events.json`; the offsets from which to tail it."""
    ends = await reader.ends(EVENTS_JSON)
    for partition, end in ends.items():
        for record in await reader.fetch(EVENTS_JSON, partition, [end - 1]):
            offset = announced_offset(record.value)
            if offset is not None:
                backlog.read_back(partition, offset)
    return {(EVENTS_JSON, partition): max(0, end - 1) for partition, end in ends.items()}
