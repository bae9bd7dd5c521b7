"""`python -m mist_scheduler`: settings, connections, then the loop until it is told to stop."""

import asyncio
import uuid

import structlog

from mist_domain.records import RECORDS
from mist_eventlog import Appender, Codec, Outage, Tail
from mist_eventlog.topics import check
from mist_runtime.logs import configure_logs
from mist_runtime.process import run, until
from mist_scheduler.service import HOSTS, JOB_EVENTS, REGISTRY, Scheduler
from mist_scheduler.settings import SchedulerSettings

REST = 0.005
"""Seconds: what the scheduler reads back is in no hurry, and each fetch takes from who is (host, gateway)."""

log = structlog.get_logger("mist.scheduler")


async def serve(settings: SchedulerSettings, stop: asyncio.Event) -> None:
    """Run one scheduler until `stop` is set."""
    scheduler_id = f"scheduler-{uuid.uuid4().hex[:12]}"
    await _wait_for_kafka(settings.kafka, stop)
    async with (
        Appender(settings.kafka) as appender,
        Tail(settings.kafka, (JOB_EVENTS, HOSTS, REGISTRY), rest=REST) as tail,
    ):
        scheduler = Scheduler(scheduler_id, settings, Codec(RECORDS), appender, tail)
        await scheduler.replay()
        await until(stop, scheduler.run(), appender.watch())


async def _wait_for_kafka(kafka: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await check(kafka, wait=5.0)
        except Outage as outage:
            log.warning("kafka-awaited", kafka=kafka, reason=str(outage))
        else:
            return


def main() -> None:
    settings = SchedulerSettings()
    configure_logs("scheduler", settings.log_level, settings.log_format)
    run(lambda stop: serve(settings, stop))


if __name__ == "__main__":
    main()
