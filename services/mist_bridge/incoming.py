"""Start requests from MQTT to `mist.requests`: acknowledged to MQTT only once Kafka has acknowledged them."""

import time

import aiomqtt
import structlog

from mist_bridge.messages import OwnEvent, Rejected, read_message, write_rejection
from mist_bridge.mqtt import Connection
from mist_domain.facts.requests import StartRequest
from mist_eventlog import Appender, Codec, Record, dead_letter
from mist_eventlog.topics.names import REQUESTS

DEAD_LETTER_BYTES = 1_000_000

log = structlog.get_logger("mist.bridge")


class Incoming:
    """Appends each start request, and answers what is none with a `failed` event and a dead letter."""

    def __init__(self, appender: Appender, codec: Codec) -> None:
        self._appender = appender
        self._codec = codec
        self._retained: dict[str, bytes] = {}
        self.requests = 0
        self.rejected = 0

    async def forward_all(self, connection: Connection) -> None:
        """Forward messages for ever. Raises `aiomqtt.MqttError`, `OutageError`."""
        async for message in connection.messages():
            await self._forward(connection, message)
            connection.acknowledge(message)

    async def _forward(self, connection: Connection, message: aiomqtt.Message) -> None:
        payload = bytes(message.payload)
        match read_message(payload, retained=message.retain):
            case StartRequest() as request:
                await self._appender.append(REQUESTS, None, self._codec.encode(request))
                self.requests += 1
            case Rejected() as rejected if not self._is_known(message, payload):
                await self._reject(connection, message, payload, rejected)
            case Rejected() | OwnEvent():
                pass

    async def _reject(
        self, connection: Connection, message: aiomqtt.Message, payload: bytes, rejected: Rejected
    ) -> None:
        self.rejected += 1
        log.warning("dead-letter", reason=rejected.reason, topic=str(message.topic))
        reason = rejected.reason
        if len(payload) > DEAD_LETTER_BYTES:
            reason += f"; only its first {DEAD_LETTER_BYTES} bytes are kept here"
        now = int(time.time() * 1000)
        record = Record(f"mqtt:{message.topic}", -1, -1, now, None, payload[:DEAD_LETTER_BYTES])
        await dead_letter(self._appender, record, reason)
        if rejected.external_id is not None:
            await connection.publish(write_rejection(rejected, payload, now))

    def _is_known(self, message: aiomqtt.Message, payload: bytes) -> bool:
        """True for a retained message seen before: the broker sends its topic's last one at each connection."""
        if not message.retain:
            return False
        topic = str(message.topic)
        known = self._retained.get(topic) == payload
        self._retained[topic] = payload
        return known
