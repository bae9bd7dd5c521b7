"""The worker host's loop: what was read and heard goes to the core, what the core says is carried out."""

import asyncio
import time
from collections.abc import Iterable
from typing import get_args

import structlog

from mist_domain.facts.job_events import JobEvent, JobInitialized
from mist_domain.facts.logs import LogLines
from mist_domain.facts.requests import PrepareWorkerRequest, StopWorkerRequest
from mist_eventlog import Appender, Codec, PoisonError, Record, RecordMetadata, Tail
from mist_eventlog.topics.names import HOSTS, JOB_EVENTS, JOB_LOGS
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.instructions import Append, Cancel, Instruction, Kill, Launch, Publish, RunAttempt, StopIdle
from mist_worker_host.core.stimuli import CaughtUp, DrainAsked, Fact, Read, Stimulus, TimePassed
from mist_worker_host.drivers.drivers import Drivers
from mist_worker_host.drivers.protocol import Printout
from mist_worker_host.drivers.state_folder import StateFolder
from mist_worker_host.settings import WorkerHostSettings
from mist_worker_host.traces import JobTraces

BEAT_SECONDS = 1.0

log = structlog.get_logger("mist.host")


class WorkerHost:
    """One host from its start to its end."""

    def __init__(
        self, core: HostCore, settings: WorkerHostSettings, folder: StateFolder, codec: Codec, appender: Appender
    ) -> None:
        self._core = core
        self._settings = settings
        self._codec = codec
        self._appender = appender
        self._traces = JobTraces()
        self._inbox: list[Stimulus] = []
        self._turning = False
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._drivers = Drivers(core.identity.host_id, settings, folder, self.tell, self._print_lines)

    # -- what comes in -------------------------------------------------------------------------------------------------

    def tell(self, stimulus: Stimulus) -> None:
        """Take note; the core is asked once for all that came in one turn of the loop."""
        self._inbox.append(stimulus)
        if not self._turning:
            self._turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    async def replay(self, tail: Tail) -> None:
        async for records in tail.replay():
            self._core.handle(Read(facts=self._facts(records)))
        self.tell(CaughtUp())
        log.info("log-replayed", jobs=len(self._core.fold.jobs))

    async def follow_jobs(self, tail: Tail) -> None:
        async for records in tail.batches():
            if records:
                self.tell(Read(facts=self._facts(records)))

    async def follow_requests(self, tail: Tail) -> None:
        """Of the requests only those that name a host are a host's business."""
        async for records in tail.batches():
            for record in records:
                try:
                    request = self._codec.decode(record.value)
                except PoisonError:
                    continue  # the scheduler keeps it as a dead letter
                if isinstance(request, StopWorkerRequest | PrepareWorkerRequest):
                    self.tell(request)

    async def beat(self) -> None:
        """Time passes, and is told to the core once a second; drivers that need no lease get by without Kafka."""
        while True:
            self.tell(TimePassed(now=time.monotonic()))
            if self._drivers.lease_is_late():
                self._drivers.hold(self._core.unleased())
            await asyncio.sleep(BEAT_SECONDS)

    async def drain(self) -> None:
        """Stop taking work, let what runs end within the grace, and say good-bye."""
        self.tell(DrainAsked(now=time.monotonic()))
        end = time.monotonic() + self._settings.grace_seconds + 2
        while not self._core.drained and time.monotonic() < end:
            self.tell(TimePassed(now=time.monotonic()))
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

    # -- what goes out -------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        self._turning = False
        inbox, self._inbox = self._inbox, []
        try:
            self._act(inbox)
        except Exception as error:  # noqa: BLE001 - where a callback ends: `watch` ends the process
            if not self._broken.done():
                self._broken.set_exception(error)

    def _act(self, inbox: list[Stimulus]) -> None:
        appends: list[tuple[str, str, bytes]] = []
        for instruction in self._core.handle(*inbox):
            self._carry_out(instruction, appends)
        if appends:
            self._submit(appends)

    def _carry_out(self, instruction: Instruction, appends: list[tuple[str, str, bytes]]) -> None:
        match instruction:
            case Append():
                self._traces.appended(instruction.event)
                appends.append((JOB_EVENTS, instruction.event.job_id, self._codec.encode(instruction.event)))
            case RunAttempt():
                self._traces.runs(instruction)
                self._drivers.run(instruction)
            case Cancel():
                self._drivers.cancel(instruction)
            case Launch():
                self._drivers.launch(instruction)
            case Kill():
                self._drivers.kill(instruction)
            case StopIdle():
                self._drivers.stop_idle(instruction)
            case Publish():
                self._publish()

    def _publish(self) -> None:
        """Say how the host is; once that is acknowledged the lease counts from the moment it was sent."""
        sent = time.monotonic()
        state = self._codec.encode(self._core.state())
        future = self._appender.submit([(HOSTS, self._core.identity.host_id, state)])
        future.add_done_callback(lambda done: self._acknowledged(done, sent))

    def _acknowledged(self, done: "asyncio.Future[list[RecordMetadata]]", sent: float) -> None:
        if not done.cancelled() and done.exception() is None:
            self._drivers.renew(sent + self._settings.lease_seconds)

    def _print_lines(self, printout: Printout, sequence: int) -> "asyncio.Future[list[RecordMetadata]]":
        lines = LogLines(job_id=printout.job_id, attempt=printout.attempt, sequence=sequence, lines=printout.lines)
        return self._submit([(JOB_LOGS, printout.job_id, self._codec.encode(lines))])

    def _submit(self, items: list[tuple[str, str, bytes]]) -> "asyncio.Future[list[RecordMetadata]]":
        """Append without waiting; a failure ends the process (`Appender.watch`)."""
        return self._appender.submit(items)
