"""`python -m mist_worker_host`: settings, state folder, connections, then the loop until it is told to stop."""

import asyncio
import importlib.metadata
import sys
import uuid

from mist_domain.facts.records import RECORDS
from mist_eventlog import Appender, Codec, Reader, Tail
from mist_eventlog.topics import partition_counts
from mist_eventlog.topics.names import JOB_EVENTS, REQUESTS
from mist_runtime.health import Health
from mist_runtime.java import Java, JavaNotFoundError, find_java
from mist_runtime.metrics import register_figures
from mist_runtime.process import STOP_SECONDS, until
from mist_runtime.service import configure, run_service
from mist_worker_host.core.attempts import Identity, TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.drivers.state_folder import FolderTakenError, StateFolder
from mist_worker_host.metrics import figures_of
from mist_worker_host.service import WorkerHost
from mist_worker_host.settings import WorkerHostSettings

STOP_REQUESTS_GATHER = 0.25
"""Seconds: of the requests only those that stop a worker are a host's, and they can wait."""


class Host:
    """One start of a host: what it is told, and what it is given."""

    def __init__(self, settings: WorkerHostSettings, folder: StateFolder, java: Java) -> None:
        self._settings = settings
        self._folder = folder
        self._java = java
        self._health = Health()

    async def serve(self, health: Health, stop: asyncio.Event) -> None:
        """Run until `stop` is set; its drivers end with it, whatever happens."""
        self._health = health
        kafka = self._settings.kafka_address()
        async with (
            Appender(kafka, time_limit=self._settings.outage_seconds) as appender,
            Tail(kafka, [JOB_EVENTS]) as jobs,
        ):
            async with Reader(kafka) as reader:
                ends = {(REQUESTS, partition): end for partition, end in (await reader.ends(REQUESTS)).items()}
            async with Tail(kafka, [REQUESTS], offsets=ends, gather=STOP_REQUESTS_GATHER) as requests:
                await self._host(jobs, requests, appender, stop)
            self._folder.end()

    async def _host(self, jobs: Tail, requests: Tail, appender: Appender, stop: asyncio.Event) -> None:
        settings, identity = self._settings, self._identity()
        self._folder.begin(identity.host_id)
        core = HostCore(identity, TimeLimits(grace=settings.grace_seconds, launch=settings.launch_seconds))
        self._health.watch(lambda: appender.silent() or jobs.left_behind())
        register_figures(lambda: figures_of(core))
        host = WorkerHost(core, settings, self._folder, Codec(RECORDS), appender)
        try:
            await self._work(host, jobs, requests, appender, stop)
        finally:
            host.kill_all()

    async def _work(
        self, host: WorkerHost, jobs: Tail, requests: Tail, appender: Appender, stop: asyncio.Event
    ) -> None:
        await host.replay(jobs)
        self._health.wait_for(None)
        following = asyncio.create_task(host.follow_jobs(jobs))
        try:
            work = (host.follow_requests(requests), host.beat(), host.watch(), appender.watch())
            await until(stop, _all_of(following), *work)
            self._health.wait_for("it is stopping")
            await host.drain()
        finally:
            following.cancel()

    def _identity(self) -> Identity:
        settings = self._settings
        return Identity(
            host_id=f"{settings.name}-{uuid.uuid4().hex[:12]}",
            name=settings.name,
            address=settings.address,
            slots=settings.slots,
            max_workers=settings.max_workers,
            partitions=partition_counts()[JOB_EVENTS],
            spark_version=importlib.metadata.version("pyspark"),
            java_version=f"{self._java.version} {self._java.vendor}".strip(),
            replaces=self._folder.predecessor,
        )


async def _all_of(task: "asyncio.Task[None]") -> None:
    """Fail when the task fails, yet leave it running while the host drains."""
    await asyncio.shield(task)


def main() -> None:
    settings = configure("host", WorkerHostSettings)
    try:
        java = find_java()
        folder = StateFolder(settings.state)
    except (JavaNotFoundError, FolderTakenError, OSError) as error:
        sys.exit(str(error))
    grace = settings.grace_seconds + settings.stop_seconds + STOP_SECONDS
    run_service(settings, Host(settings, folder, java).serve, grace=grace)


if __name__ == "__main__":
    main()
