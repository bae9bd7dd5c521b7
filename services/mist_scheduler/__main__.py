"""`python -m mist_scheduler`: settings, connections, then the loop until a signal stops it."""

import asyncio
import uuid

import structlog

from mist_eventlog import Appender, Tail
from mist_eventlog.topics.names import HOSTS, JOB_EVENTS, REGISTRY
from mist_runtime.health import Health
from mist_runtime.metrics import register_figures
from mist_runtime.process import until
from mist_runtime.service import configure, run_service
from mist_scheduler.member_name import MemberName
from mist_scheduler.metrics import figures_of
from mist_scheduler.service import Scheduler
from mist_scheduler.settings import SchedulerSettings

REST = 0.005
"""Pause after a batch (s): fewer fetches leave CPU to the host and the gateway, which clients wait for."""

log = structlog.get_logger("mist.scheduler")


async def serve(settings: SchedulerSettings, health: Health, stop: asyncio.Event) -> None:
    """Run one scheduler until `stop` is set."""
    scheduler_id = f"scheduler-{uuid.uuid4().hex[:12]}"
    member = MemberName(settings.state / "scheduler")
    async with (
        Appender(settings.kafka_address(), time_limit=settings.outage_seconds) as appender,
        Tail(settings.kafka_address(), (JOB_EVENTS, HOSTS, REGISTRY), rest=REST) as tail,
    ):
        scheduler = Scheduler(scheduler_id, settings, settings.codec(), appender, tail, member=member.name)
        health.watch(lambda: appender.silent() or tail.left_behind())
        register_figures(lambda: figures_of(scheduler))
        await scheduler.replay()
        health.wait_for(None)
        await until(stop, scheduler.run(), appender.watch())


def main() -> None:
    settings = configure("scheduler", SchedulerSettings)
    run_service(settings, lambda health, stop: serve(settings, health, stop))


if __name__ == "__main__":
    main()
