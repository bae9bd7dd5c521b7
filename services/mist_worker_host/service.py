"""The worker host: its connections, and the loop that feeds the core with stimuli and carries out its instructions."""

import asyncio
import importlib.metadata
import time
import uuid
from collections.abc import Iterable
from typing import get_args

import structlog

from mist_domain.facts.job_events import JobEvent, JobInitialized
from mist_domain.facts.logs import LogLines
from mist_domain.facts.records import RECORDS
from mist_domain.facts.requests import PrepareWorkerRequest, StopWorkerRequest
from mist_eventlog import Appender, Codec, PoisonError, Reader, Record, RecordMetadata, Tail
from mist_eventlog.topics import partition_counts
from mist_eventlog.topics.names import HOSTS, JOB_EVENTS, JOB_LOGS, REQUESTS
from mist_runtime.health import Health
from mist_runtime.java import Java
from mist_runtime.metrics import register_figures
from mist_runtime.process import until
from mist_worker_host.core import instructions, stimuli
from mist_worker_host.core.attempts import Identity, TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.stimuli import Fact
from mist_worker_host.drivers.drivers import Drivers
from mist_worker_host.drivers.state_folder import StateFolder
from mist_worker_host.metrics import figures_of
from mist_worker_host.settings import WorkerHostSettings
from mist_worker_host.traces import JobTraces

BEAT_SECONDS = 1.0
HOST_REQUESTS_GATHER = 0.25
"""Seconds that a fetch of requests may wait: a host reads only those that stop or prepare a worker, and they can wait."""

log = structlog.get_logger("mist.host")


class HostLoop:
    """Reads facts and requests, keeps time, and acts once per turn of the event loop on all that happened."""

    def __init__(
        self, core: HostCore, settings: WorkerHostSettings, folder: StateFolder, codec: Codec, appender: Appender
    ) -> None:
        self._core = core
        self._settings = settings
        self._codec = codec
        self._appender = appender
        self._traces = JobTraces()
        self._inbox: list[stimuli.Stimulus] = []
        self._turning = False
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drivers = Drivers(core.identity.host_id, settings, folder, self.notify, self._append_log)

    # -- stimuli -------------------------------------------------------------------------------------------------------

    def notify(self, stimulus: stimuli.Stimulus) -> None:
        """Note a stimulus. The core handles all that arrive in one turn of the event loop at once."""
        self._inbox.append(stimulus)
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    async def replay(self, tail: Tail) -> None:
        async for records in tail.replay():
            self._core.handle(stimuli.Read(facts=self._facts(records)))
        self.notify(stimuli.CaughtUp())
        log.info("log-replayed", jobs=len(self._core.fold.jobs))

    async def follow_jobs(self, tail: Tail) -> None:
        async for records in tail.batches():
            if records:
                self.notify(stimuli.Read(facts=self._facts(records)))

    async def follow_requests(self, tail: Tail) -> None:
        """Follow requests; a host acts only on those that name a host."""
        async for records in tail.batches():
            for record in records:
                try:
                    request = self._codec.decode(record.value)
                except PoisonError:
                    continue  # the scheduler keeps it as a dead letter
                if isinstance(request, StopWorkerRequest | PrepareWorkerRequest):
                    self.notify(request)

    async def beat(self) -> None:
        """Tick once a second. Drivers whose runs need no lease live on while Kafka is away."""
        while True:
            self.notify(stimuli.TimePassed(now=time.monotonic()))
            if self._drivers.lease_is_late():
                self._drivers.hold(self._core.unleased())
            await asyncio.sleep(BEAT_SECONDS)

    async def drain(self) -> None:
        """Accept no more work, let runs end within the grace, then publish that this host has stopped."""
        self.notify(stimuli.DrainAsked(now=time.monotonic()))
        end = time.monotonic() + self._settings.grace_seconds + 2
        while not self._core.drained and time.monotonic() < end:
            self.notify(stimuli.TimePassed(now=time.monotonic()))
            await asyncio.sleep(0.1)
        host_id = self._core.identity.host_id
        await self._appender.append(HOSTS, host_id, self._codec.encode(self._core.state(stopped=True)))

    async def watch(self) -> None:
        """Wait until a decision cannot be made or carried out, and raise why."""
        await asyncio.shield(self._broken)

    def kill_all(self) -> None:
        self._drivers.kill_all()

    def _facts(self, records: Iterable[Record]) -> tuple[Fact, ...]:
        return tuple(Fact(record.partition, record.offset, record.time, self._event(record)) for record in records)

    def _event(self, record: Record) -> JobEvent | None:
        try:
            event = self._codec.decode(record.value)
        except PoisonError as poison:
            log.warning("record-passed-over", reason=poison.reason, partition=record.partition, offset=record.offset)
            return None
        if isinstance(event, JobInitialized):
            self._traces.read(event.job_id, record.headers)
        return event if isinstance(event, get_args(JobEvent)) else None

    # -- instructions -------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        self._turning = False
        inbox, self._inbox = self._inbox, []
        try:
            self._act(inbox)
        except Exception as error:  # noqa: BLE001 - where a callback ends: `watch` ends the process
            if not self._broken.done():
                self._broken.set_exception(error)

    def _act(self, inbox: list[stimuli.Stimulus]) -> None:
        appends: list[tuple[str, str, bytes]] = []
        for instruction in self._core.handle(*inbox):
            self._carry_out(instruction, appends)
        if appends:
            self._appender.submit(appends)

    def _carry_out(self, instruction: instructions.Instruction, appends: list[tuple[str, str, bytes]]) -> None:
        match instruction:
            case instructions.Append():
                self._traces.appended(instruction.event)
                appends.append((JOB_EVENTS, instruction.event.job_id, self._codec.encode(instruction.event)))
            case instructions.RunAttempt():
                self._traces.runs(instruction)
                self._drivers.run(instruction)
            case instructions.Cancel():
                self._drivers.cancel(instruction)
            case instructions.Launch():
                self._drivers.launch(instruction)
            case instructions.Kill():
                self._drivers.kill(instruction)
            case instructions.StopIdle():
                self._drivers.stop_idle(instruction)
            case instructions.Publish():
                self._publish()

    def _publish(self) -> None:
        """Publish the host's state. Once that is acknowledged, the lease counts from the moment it was sent."""
        sent = time.monotonic()
        state = self._codec.encode(self._core.state())
        future = self._appender.submit([(HOSTS, self._core.identity.host_id, state)])
        future.add_done_callback(lambda done: self._acknowledged(done, sent))

    def _acknowledged(self, done: "asyncio.Future[list[RecordMetadata]]", sent: float) -> None:
        if not done.cancelled() and done.exception() is None:
            self._drivers.renew(sent + self._settings.lease_seconds)

    def _append_log(self, lines: LogLines) -> "asyncio.Future[list[RecordMetadata]]":
        """Append without waiting; a failure ends the process (`Appender.watch`)."""
        return self._appender.submit([(JOB_LOGS, lines.job_id, self._codec.encode(lines))])


class HostService:
    """One start of a host: its connections, its loop, its end in order."""

    def __init__(self, settings: WorkerHostSettings, folder: StateFolder, java: Java, health: Health) -> None:
        self._settings = settings
        self._folder = folder
        self._java = java
        self._health = health

    async def serve(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; its drivers end with it, whatever happens."""
        kafka = self._settings.kafka_address()
        async with (
            Appender(kafka, time_limit=self._settings.outage_seconds) as appender,
            Tail(kafka, [JOB_EVENTS]) as jobs,
        ):
            async with Reader(kafka) as reader:
                ends = {(REQUESTS, partition): end for partition, end in (await reader.ends(REQUESTS)).items()}
            async with Tail(kafka, [REQUESTS], offsets=ends, gather=HOST_REQUESTS_GATHER) as requests:
                await self._host(jobs, requests, appender, stop)
            self._folder.release()

    async def _host(self, jobs: Tail, requests: Tail, appender: Appender, stop: asyncio.Event) -> None:
        settings, identity = self._settings, self._identity()
        self._folder.claim(identity.host_id)
        core = HostCore(identity, TimeLimits(grace=settings.grace_seconds, launch=settings.launch_seconds))
        self._health.watch(lambda: appender.silent() or jobs.left_behind())
        register_figures(lambda: figures_of(core))
        host = HostLoop(core, settings, self._folder, Codec(RECORDS), appender)
        try:
            await self._work(host, jobs, requests, appender, stop)
        finally:
            host.kill_all()

    async def _work(self, host: HostLoop, jobs: Tail, requests: Tail, appender: Appender, stop: asyncio.Event) -> None:
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
