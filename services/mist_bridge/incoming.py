"""Start requests from MQTT to `mist.requests`: acknowledged to MQTT only once Kafka has them."""

import time

import aiomqtt
import structlog

from mist_bridge.messages import OwnEvent, Rejected, read_message, write_rejection
from mist_bridge.mqtt import Connection
from mist_domain.facts.requests import StartRequest
from mist_eventlog import Appender, Codec, Record, dead_letter
from mist_eventlog.topics.names import REQUESTS

LARGEST_KEPT = 1_000_000

log = structlog.get_logger("mist.bridge")


class Incoming:
    def __init__(self, appender: Appender, codec: Codec) -> None:
        self._appender = appender
        self._codec = codec
        self._retained: set[bytes] = set()
        self.requests = 0
        self.rejected = 0

    async def take_all(self, connection: Connection) -> None:
        """For ever. Raises `aiomqtt.MqttError`, `OutageError`."""
        async for message in connection.messages():
            await self._take(connection, message)
            connection.acknowledge(message)

    async def _take(self, connection: Connection, message: aiomqtt.Message) -> None:
        payload = bytes(message.payload)
        match read_message(payload, retained=message.retain):
            case StartRequest() as request:
                await self._appender.append(REQUESTS, None, self._codec.encode(request))
                self.requests += 1
            case Rejected() as rejected if not self._is_known(payload, retained=message.retain):
                await self._reject(connection, message, payload, rejected)
            case Rejected() | OwnEvent():
                pass

    async def _reject(
        self, connection: Connection, message: aiomqtt.Message, payload: bytes, rejected: Rejected
    ) -> None:
        self.rejected += 1
        log.warning("dead-letter", reason=rejected.reason, topic=str(message.topic))
        reason = rejected.reason
        if len(payload) > LARGEST_KEPT:
            reason += f"; only its first {LARGEST_KEPT} bytes are kept here"
        now = int(time.time() * 1000)
        place = Record(f"mqtt:{message.topic}", -1, -1, now, None, payload[:LARGEST_KEPT])
        await dead_letter(self._appender, place, reason)
        if rejected.external_id is not None:
            await connection.publish(write_rejection(rejected, payload))

    def _is_known(self, payload: bytes, *, retained: bool) -> bool:
        """A retained message comes at each connection; once is enough."""
        if not retained:
            return False
        known = payload in self._retained
        self._retained.add(payload)
        return known
