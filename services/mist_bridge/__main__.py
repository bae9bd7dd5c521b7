"""`python -m mist_bridge`: settings, connections, then the loops until it is told to stop."""

import asyncio

from mist_bridge.backlog import Backlog
from mist_bridge.metrics import figures_of
from mist_bridge.service import Bridge, read_published
from mist_bridge.settings import BridgeSettings
from mist_eventlog import Appender, Reader, Tail
from mist_eventlog.topics import load_topics
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
        topics = {topic.name: topic for topic in load_topics()}
        backlog = Backlog(topics[JOB_EVENTS].partitions, topics[EVENTS_JSON].retention_ms)
        offsets = await read_published(reader, backlog)
        async with Tail(settings.kafka_address(), (JOB_EVENTS, EVENTS_JSON), offsets=offsets) as tail:
            bridge = Bridge(settings, appender, tail, reader, backlog)
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
