"""`python -m mist_bridge`: settings, connections, then the loops until it is told to stop."""

import asyncio

from mist_bridge.metrics import figures_of
from mist_bridge.service import Bridge, told_so_far
from mist_bridge.settings import BridgeSettings
from mist_bridge.telling import Telling
from mist_eventlog import Appender, Reader, Tail
from mist_eventlog.topics import partition_counts
from mist_eventlog.topics.names import EVENTS_JSON, JOB_EVENTS
from mist_runtime.health import Health
from mist_runtime.metrics import register_figures
from mist_runtime.process import until
from mist_runtime.service import configure, run_service


async def serve(settings: BridgeSettings, health: Health, stop: asyncio.Event) -> None:
    """Run one bridge until `stop` is set."""
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
    settings = configure("bridge", BridgeSettings)
    run_service(settings, lambda health, stop: serve(settings, health, stop))


if __name__ == "__main__":
    main()
