"""A random life of one worker host: a scheduler that may be wrong, drivers that do as they like, a log in between.

The host's appends travel for a while before they stand in the log, and the host reads the log at its own pace.
"""

import random
from dataclasses import dataclass, field

from mist_domain.facts.job_events import (
    JobAssigned,
    JobAttemptLost,
    JobCancelRequested,
    JobEvent,
    JobFailed,
    JobStarted,
)
from mist_domain.facts.registry import Context, Mode
from mist_domain.facts.requests import StopWorkerRequest
from mist_domain.job import Job, Status, evolve
from mist_worker_host.core.attempts import TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.instructions import (
    Append,
    Cancel,
    HostEvent,
    Instruction,
    Kill,
    Launch,
    RunAttempt,
    StopIdle,
)
from mist_worker_host.core.stimuli import (
    CaughtUp,
    DrainAsked,
    DriverExited,
    DriverReady,
    DriverSpawned,
    DriverUnusable,
    Fact,
    Read,
    RunCanceled,
    RunFailed,
    RunFinished,
    Stimulus,
    TimePassed,
)
from mist_worker_host.core.worker import Phase
from support.facts import SCHEDULER, initialized, queued
from support.host_bench import HOST, identity

ANOTHER = "host-2"
SLOTS, PLACES = 4, 2


@dataclass
class Driver:
    """The state of a driver process. `runs`: job and attempt → True when a cancel came."""

    mode: Mode
    ready: bool = False
    ending: bool = False
    ran: int = 0
    runs: dict[tuple[str, int], bool] = field(default_factory=dict)


@dataclass
class HostWorld:
    seed: int
    log: list[JobEvent] = field(default_factory=list)
    travelling: list[HostEvent] = field(default_factory=list)
    truth: dict[str, Job] = field(default_factory=dict)
    drivers: dict[int, Driver] = field(default_factory=dict)
    ran: list[tuple[str, int]] = field(default_factory=list)
    appended: list[HostEvent] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    read: int = 0
    now: float = 0.0
    luck: float = 0.04

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.core = HostCore(identity(slots=SLOTS, max_workers=PLACES), TimeLimits())
        self.handle(CaughtUp())

    # -- the host's world ----------------------------------------------------------------------------------------------

    def handle(self, stimulus: Stimulus) -> None:
        for instruction in self.core.handle(stimulus):
            self._carry_out(instruction)
        self._check()

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case Launch():
                assert instruction.worker not in self.drivers
                self.drivers[instruction.worker] = Driver(instruction.settings.mode)
            case RunAttempt():
                self._run(instruction)
            case Cancel():
                self.drivers[instruction.worker].runs[instruction.job_id, instruction.attempt] = True
            case Kill() | StopIdle():
                self._end_driver(instruction)
            case Append():
                self.appended.append(instruction.event)
                self.travelling.append(instruction.event)
            case _:
                pass

    def _run(self, run: RunAttempt) -> None:
        key = (run.job.job_id, run.attempt)
        job = self.core.fold.jobs[run.job.job_id]
        driver = self.drivers[run.worker]
        if (job.status, job.host_id, job.attempt) != (Status.STARTED, HOST, run.attempt):
            self.wrong.append(f"{key} ran while the fold said {job.status.word}, {job.host_id}, {job.attempt}")
        if not driver.ready or driver.ending:
            self.wrong.append(f"{key} ran in a driver that cannot")
        driver.ran += 1
        if driver.mode == "exclusive" and driver.ran > 1:
            self.wrong.append(f"{key} ran in an exclusive driver that had run before")
        driver.runs[key] = False
        self.ran.append(key)

    def _end_driver(self, instruction: Kill | StopIdle) -> None:
        driver = self.drivers[instruction.worker]
        if isinstance(instruction, StopIdle) and driver.runs:
            self.wrong.append(f"driver {instruction.worker} was stopped as idle while it ran {driver.runs}")
        driver.ending = True
        driver.runs.clear()

    # -- laws ----------------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        core = self.core
        own = {
            (job.job_id, job.attempt)
            for job in core.fold.jobs.values()
            if job.host_id == HOST and job.status >= Status.ASSIGNED
        }
        held = {(held.job_id, held.attempt) for held in core.state().attempts}
        self._law(held == own, f"it holds {held}, its own are {own}")
        self._law(len(self.drivers) <= PLACES, f"{len(self.drivers)} drivers in {PLACES} places")
        running = [attempt for attempt in core.attempts.held.values() if attempt.phase is not Phase.ENDING]
        self._law(len(running) <= SLOTS, f"{len(running)} attempts in {SLOTS} slots")
        for driver in self.drivers.values():
            loose = {key for key, canceled in driver.runs.items() if not canceled and key not in held}
            self._law(not loose, f"{loose} run and are not its own")

    def _law(self, kept: bool, broken: str) -> None:  # noqa: FBT001 (a law is kept or not)
        if not kept:
            self.wrong.append(broken)

    def appended_twice(self) -> list[str]:
        """Attempts with two starts or two ends."""
        starts = [(event.job_id, event.attempt) for event in self.appended if isinstance(event, JobStarted)]
        ends = [(event.job_id, event.attempt or 0) for event in self.appended if not isinstance(event, JobStarted)]
        return [str(key) for keys in (starts, ends, self.ran) for key in keys if keys.count(key) > 1]

    def remaining(self) -> list[str]:
        """Jobs that the log still shows as this host's."""
        return [job.job_id for job in self.truth.values() if job.host_id == HOST and not job.status.final]

    # -- what may happen -----------------------------------------------------------------------------------------------

    def play(self, moves: int) -> "HostWorld":
        names = (
            "assign",
            "assign",
            "land",
            "land",
            "read",
            "read",
            "driver",
            "driver",
            "cancel",
            "lose",
            "time",
            "stop",
        )
        for _ in range(moves):
            getattr(self, f"_{self.rng.choice(names)}")()
        return self

    def _write(self, event: JobEvent) -> None:
        job = self.truth.get(event.job_id, Job(event.job_id))
        self.truth[event.job_id] = evolve(job, event, len(self.log))
        self.log.append(event)

    def _assign(self) -> None:
        rng = self.rng
        job_id = str(rng.randrange(8))
        job = self.truth.get(job_id)
        if job is None or rng.random() < 0.1:
            self._write(self._initialized(job_id))
            self._write(queued(job_id=job_id))
        job = self.truth[job_id]
        host = rng.choice((HOST, HOST, HOST, ANOTHER))
        self._write(
            JobAssigned(job_id=job_id, writer=SCHEDULER, version=job.version, attempt=job.attempt, host_id=host)
        )

    def _initialized(self, job_id: str) -> JobEvent:
        mode: Mode = self.rng.choice(("shared", "shared", "exclusive"))
        context = Context(name=self.rng.choice("xy"), max_jobs=self.rng.choice((2, 2, 2, 3)), downtime=3_000)
        return initialized(job_id, mode=mode, context=context, retries=self.rng.choice((0, 2)))

    def _cancel(self) -> None:
        if self.truth and self.rng.random() < 0.5:
            job_id = self.rng.choice(list(self.truth))
            self._write(JobCancelRequested(job_id=job_id, writer=SCHEDULER, requested_by="user", reason="asked"))

    def _lose(self) -> None:
        """A scheduler gives an attempt up, or another host ends its own."""
        active = [job for job in self.truth.values() if Status.ASSIGNED <= job.status <= Status.CANCELLING]
        if not active or self.rng.random() < 0.5:
            return
        job = self.rng.choice(active)
        if job.host_id == ANOTHER:
            self._write(JobFailed(job_id=job.job_id, writer=ANOTHER, attempt=job.attempt, error="E"))
            return
        version, attempt = job.version, job.attempt
        self._write(
            JobAttemptLost(job_id=job.job_id, writer=SCHEDULER, version=version, attempt=attempt, reason="silent")
        )

    def _land(self) -> None:
        if self.travelling:
            self._write(self.travelling.pop(0))

    def _read(self, count: int | None = None) -> None:
        events = self.log[self.read : self.read + (count or self.rng.randrange(1, 6))]
        facts = tuple(Fact(0, self.read + index, self.read + index, event) for index, event in enumerate(events))
        self.read += len(events)
        self.handle(Read(facts=facts))

    def _time(self) -> None:
        self.now += self.rng.choice((0.5, 1, 5, 400 if self.rng.random() < 0.05 else 1))
        self.handle(TimePassed(now=self.now))

    def _stop(self) -> None:
        if self.rng.random() < 0.2:
            self.handle(StopWorkerRequest(host_id=HOST, worker_id=self.rng.choice("xy")))

    def _driver(self) -> None:
        if self.drivers:
            key = self.rng.choice(list(self.drivers))
            self._move_driver(key, self.drivers[key])

    def _move_driver(self, key: int, driver: Driver) -> None:
        rng = self.rng
        if driver.ending or rng.random() < self.luck:
            del self.drivers[key]
            self.handle(DriverExited(worker=key, reason="exit code 1", lines=("x",)))
        elif not driver.ready and rng.random() < 2 * self.luck:
            driver.ending = True
            self.handle(DriverUnusable(worker=key, error="no"))
        elif not driver.ready:
            driver.ready = True
            self.handle(DriverSpawned(worker=key, pid=key))
            self.handle(DriverReady(worker=key))
        elif driver.runs:
            self._end_run(key, driver)

    def _end_run(self, key: int, driver: Driver) -> None:
        rng = self.rng
        job_id, attempt = run = rng.choice(list(driver.runs))
        reports: list[Stimulus] = [
            RunFinished(worker=key, job_id=job_id, attempt=attempt, result="{}"),
            RunFailed(worker=key, job_id=job_id, attempt=attempt, error="E"),
        ]
        if driver.runs.pop(run):
            abandoned = rng.random() < 0.2
            reports += [RunCanceled(worker=key, job_id=job_id, attempt=attempt, abandoned=abandoned)] * 3
        self.handle(rng.choice(reports))

    # -- the end -------------------------------------------------------------------------------------------------------

    def calm(self) -> "HostWorld":
        """Everything lands, is read and answered by drivers that stay alive, until nothing of this host's is left."""
        self.luck = 0
        for _ in range(200):
            while self.travelling:
                self._land()
            self._read(10_000)
            for key, driver in list(self.drivers.items()):
                self._move_driver(key, driver)
            if not self.remaining() and not self.travelling:
                break
        alive = {job_id: job for job_id, job in self.truth.items() if not job.status.final}
        self._law(self.core.fold.jobs == alive, "its fold is another than the log's")
        return self

    def drain(self) -> "HostWorld":
        self.handle(DrainAsked(now=self.now))
        self.handle(TimePassed(now=self.now + 60))
        self.calm()
        for key in [key for key, driver in self.drivers.items() if driver.ending]:
            del self.drivers[key]
            self.handle(DriverExited(worker=key, reason="exit code 0"))
        return self
