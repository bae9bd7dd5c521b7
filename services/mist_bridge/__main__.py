"""`python -m mist_bridge`: settings, connections, then the loops until it is told to stop."""

import asyncio

from mist_bridge.metrics import figures_of
from mist_bridge.service import Bridge, told_so_far
from mist_bridge.settings import BridgeSettings
from mist_bridge.telling import Telling
from mist_eventlog import Appender, Reader, Tail, wait_for_kafka
from mist_eventlog.topics import partition_counts
from mist_eventlog.topics.names import EVENTS_JSON, JOB_EVENTS
from mist_runtime.health import Health, serve_health
from mist_runtime.logs import configure_logs
from mist_runtime.metrics import register_figures
from mist_runtime.process import run, until
from mist_runtime.settings import read_settings


async def serve(settings: BridgeSettings, health: Health, stop: asyncio.Event) -> None:
    """Run one bridge until `stop` is set."""
    async with health.beating():
        await until(stop, wait_for_kafka(settings.kafka_address(), health.wait_for))
        if not stop.is_set():
            await _bridge(settings, health, stop)


async def _bridge(settings: BridgeSettings, health: Health, stop: asyncio.Event) -> None:
    health.wait_for("it reads the log")
    async with (
        Appender(settings.kafka_address(), time_limit=settings.outage_seconds) as appender,
        Reader(settings.kafka_address()) as reader,
    ):
        telling = Telling(partition_counts()[JOB_EVENTS])
        offsets = await told_so_far(reader, telling)
        async with Tail(settings.kafka_address(), (JOB_EVENTS, EVENTS_JSON), offsets=offsets) as tail:
            bridge = Bridge(settings, appender, tail, reader, telling)
            health.watch(lambda: appender.silent() or tail.left_behind())
            register_figures(lambda: figures_of(bridge))
            await bridge.replay()
            health.wait_for(None)
            await until(stop, bridge.run(), appender.watch())


def main() -> None:
    settings = read_settings(BridgeSettings)
    configure_logs("bridge", settings.log_level, settings.log_format)
    health = Health()
    serve_health(health, settings.health_host, settings.health_port)
    run(lambda stop: serve(settings, health, stop))


if __name__ == "__main__":
    main()
