"""The MQTT connection of the active bridge, and the session that outlives it at the broker."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiomqtt
import paho.mqtt.client as paho
import structlog

from mist_bridge.settings import BridgeSettings

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
QOS = 1

log = structlog.get_logger("mist.bridge")

Work = Callable[["Connection"], Awaitable[None]]


class Connection:
    """An open connection. All messages are QoS 1: repeated until they are acknowledged."""

    def __init__(self, client: aiomqtt.Client, settings: BridgeSettings) -> None:
        self._client = client
        self._settings = settings

    async def publish(self, text: str) -> None:
        """Publish an event and wait for the broker's acknowledgement, 60 s at most. Raises `aiomqtt.MqttError`."""
        await self._client.publish(self._settings.mqtt_events, text.encode(), qos=QOS, timeout=60.0)

    async def messages(self) -> AsyncIterator[aiomqtt.Message]:
        """Messages of the request topic, for ever. Raises `aiomqtt.MqttError` when the connection breaks."""
        async for message in self._client.messages:
            yield message

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """Acknowledge a message: only then does the broker forget it."""
        paho_of(self._client).ack(message.mid, message.qos)


def paho_of(client: aiomqtt.Client) -> paho.Client:
    """The paho client inside aiomqtt, for manual acknowledgements.

    aiomqtt (2.5) acknowledges a message when it arrives, and has no option against it: a bridge that is killed would lose
    requests that are not in Kafka yet. paho has the option. tests/contract/test_aiomqtt.py holds the attribute.
    """
    return client._client  # noqa: SLF001


async def keep_connected(settings: BridgeSettings, work: Work, report: Callable[[str | None], None]) -> None:
    """Run `work` on a connection, and on the next one when it breaks, for ever.

    `report` gets the reason why there is no connection, `None` once there is one.
    """
    pause = FIRST_PAUSE
    while True:
        try:
            async with _connected(settings) as connection:
                log.info("mqtt-connected", host=settings.mqtt_host, port=settings.mqtt_port)
                report(None)
                pause = FIRST_PAUSE
                await work(connection)
        except (aiomqtt.MqttError, OSError, ssl.SSLError) as error:
            report(f"MQTT at {settings.mqtt_host}:{settings.mqtt_port}: {error}")
            log.warning("mqtt-away", reason=str(error), again_in=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


@asynccontextmanager
async def _connected(settings: BridgeSettings) -> AsyncIterator[Connection]:
    client = aiomqtt.Client(
        settings.mqtt_host,
        settings.mqtt_port,
        identifier=settings.mqtt_client_id,
        clean_session=False,
        username=settings.mqtt_user,
        password=settings.password(),
        tls_context=_tls(settings) if settings.mqtt_tls else None,
        keepalive=20,
        timeout=20.0,
    )
    client.pending_calls_threshold = 1_000
    paho_of(client).manual_ack_set(on=True)
    async with client:
        await client.subscribe(settings.mqtt_requests, qos=QOS)
        yield Connection(client, settings)


def _tls(settings: BridgeSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.mqtt_ca)
    if settings.mqtt_certificate is not None:
        context.load_cert_chain(settings.mqtt_certificate, settings.mqtt_key)
    return context


async def together(*work: Awaitable[object]) -> None:
    """Run all until the first one ends or fails; then cancel the others."""
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
