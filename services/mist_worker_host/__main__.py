"""`python -m mist_worker_host`: settings, state folder, connections, then the loop until it is told to stop."""

import asyncio
import contextlib
import importlib.metadata
import sys
import uuid

import structlog

from mist_domain.records import RECORDS
from mist_eventlog import Appender, Codec, Outage, Reader, Tail
from mist_eventlog.topics import check, partition_counts
from mist_runtime.logs import configure_logs
from mist_runtime.process import run, until
from mist_worker_host.host import HostCore
from mist_worker_host.identity import Identity, Patience
from mist_worker_host.service import JOB_EVENTS, REQUESTS, WorkerHost
from mist_worker_host.settings import WorkerHostSettings
from mist_worker_host.state_folder import FolderTakenError, StateFolder

log = structlog.get_logger("mist.host")


async def serve(settings: WorkerHostSettings, folder: StateFolder, stop: asyncio.Event) -> None:
    """Run one host until `stop` is set; its drivers end with it, whatever happens."""
    await _wait_for_kafka(settings.kafka, stop)
    async with Appender(settings.kafka) as appender, Tail(settings.kafka, [JOB_EVENTS]) as jobs:
        async with Reader(settings.kafka) as reader:
            ends = {(REQUESTS, partition): end for partition, end in (await reader.ends(REQUESTS)).items()}
        async with Tail(settings.kafka, [REQUESTS], offsets=ends, gather=0.25) as requests:
            identity = _identity(settings, folder)
            folder.begin(identity.host_id)
            core = HostCore(identity, Patience(grace=settings.grace_seconds, launch=settings.launch_seconds))
            host = WorkerHost(core, settings, folder, Codec(RECORDS), appender)
            try:
                await _work(host, jobs, requests, appender, stop)
            finally:
                host.kill_all()
            folder.end()


async def _work(host: WorkerHost, jobs: Tail, requests: Tail, appender: Appender, stop: asyncio.Event) -> None:
    await host.replay(jobs)
    following = asyncio.create_task(host.follow_jobs(jobs))
    try:
        await until(stop, _all_of(following), host.follow_requests(requests), host.beat(), appender.watch())
        await host.drain()
    finally:
        following.cancel()


async def _all_of(task: "asyncio.Task[None]") -> None:
    """Fail when the task fails, yet leave it running while the host drains."""
    await asyncio.shield(task)


def _identity(settings: WorkerHostSettings, folder: StateFolder) -> Identity:
    return Identity(
        host_id=f"{settings.name}-{uuid.uuid4().hex[:12]}",
        name=settings.name,
        address=settings.address,
        slots=settings.slots,
        max_workers=settings.max_workers,
        partitions=partition_counts()[JOB_EVENTS],
        spark_version=importlib.metadata.version("pyspark"),
        replaces=folder.predecessor,
    )


async def _wait_for_kafka(kafka: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        with contextlib.suppress(Outage):
            await check(kafka, wait=5.0)
            return
        log.warning("kafka-awaited", kafka=kafka)


def main() -> None:
    settings = WorkerHostSettings()
    configure_logs("host", settings.log_level, settings.log_format)
    try:
        folder = StateFolder(settings.state)
    except (FolderTakenError, OSError) as error:
        sys.exit(str(error))
    run(lambda stop: serve(settings, folder, stop))


if __name__ == "__main__":
    main()
