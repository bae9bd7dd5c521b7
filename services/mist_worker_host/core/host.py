"""The worker host's decisions: stimuli in, instructions out. No I/O, no clock.

It keeps exactly the attempts that its own fold shows as its own and current. An attempt goes through the phases of
`Phase`: it waits for a driver place, is placed in a worker, its JobStarted is appended; once that was read back it runs; its end
is appended; once that was read back it is forgotten.
"""

from typing import assert_never

from mist_domain.facts.hosts import HeldAttempt, HostState
from mist_domain.facts.requests import PrepareWorkerRequest, StopWorkerRequest
from mist_worker_host.core import outcomes, stimuli
from mist_worker_host.core.attempts import Attempts, Identity, TimeLimits
from mist_worker_host.core.fleet import Fleet
from mist_worker_host.core.instructions import Instruction, Publish
from mist_worker_host.core.job_fold import JobFold
from mist_worker_host.core.spares import Preparations
from mist_worker_host.core.worker import FleetWorker


class HostCore:
    """Mutable, single-threaded."""

    def __init__(self, identity: Identity, limits: TimeLimits) -> None:
        self.identity = identity
        self.fold = JobFold(identity.partitions)
        self.caught_up = False
        self._limits = limits
        self._instructions: list[Instruction] = []
        self._published: object = None
        self.fleet = Fleet(identity.max_workers, self._instructions)
        self.attempts = Attempts(identity, self.fold, self.fleet, self._instructions)
        self.preparations = Preparations(self.fleet)
        self._drain_until: float | None = None

    def handle(self, *stimuli: stimuli.Stimulus) -> list[Instruction]:
        """Apply what happened, in order. Returns what is to be done now; a publication comes last."""
        for stimulus in stimuli:
            self._apply(stimulus)
        self.attempts.place_waiting()
        self.preparations.keep()
        self._publish_changes()
        instructions = self._instructions.copy()
        self._instructions.clear()
        return instructions

    @property
    def draining(self) -> bool:
        return self._drain_until is not None

    @property
    def drained(self) -> bool:
        """True when a draining host holds no attempt and no driver any more."""
        return self.draining and not self.attempts.held and not self.fleet.workers

    def state(self, *, stopped: bool = False) -> HostState:
        """The whole host, now."""
        identity = self.identity
        return HostState(
            host_id=identity.host_id,
            name=identity.name,
            address=identity.address,
            slots=identity.slots,
            max_workers=identity.max_workers,
            workers=tuple(worker.state() for worker in self.fleet.workers.values()),
            attempts=tuple(
                HeldAttempt(job_id=held.job_id, attempt=held.number) for held in self.attempts.held.values()
            ),
            offsets=tuple(self.fold.offsets),
            spark_version=identity.spark_version,
            java_version=identity.java_version,
            draining=self.draining,
            replaces=identity.replaces,
            stopped=stopped,
            prepared=self.preparations.state(),
        )

    def unleased(self) -> frozenset[stimuli.WorkerKey]:
        """The workers that may live on while Kafka is away: none of their runs could be started elsewhere."""
        return frozenset(key for key, worker in self.fleet.workers.items() if not self.attempts.is_leased(worker))

    def _publish_changes(self) -> None:
        """Publish when others must know now, not with the next tick: of workers all but whether they are busy."""
        if not self.caught_up:
            return
        workers = [
            (worker.key, worker.settings.worker_id, worker.pid, worker.ready, worker.open, worker.spare)
            for worker in self.fleet.workers.values()
        ]
        shown = (workers, self.draining, self.preparations.state())
        if shown != self._published:
            self._published = shown
            self._instructions.append(Publish())

    def _apply(self, stimulus: stimuli.Stimulus) -> None:
        match stimulus:
            case stimuli.Read():
                self._read(stimulus.facts)
            case stimuli.RunFinished() | stimuli.RunFailed() | stimuli.RunCanceled():
                self.attempts.reported(stimulus)
            case stimuli.TimePassed():
                self._time_passed(stimulus.now)
            case stimuli.DriverSpawned() | stimuli.DriverReady() | stimuli.DriverUnusable() | stimuli.DriverExited():
                self._driver_changed(stimulus)
            case StopWorkerRequest():
                self._stop_workers(stimulus)
            case PrepareWorkerRequest():
                self._prepare(stimulus)
            case stimuli.CaughtUp():
                self.caught_up = True
            case stimuli.DrainAsked():
                self._drain(stimulus.now)
            case _:
                assert_never(stimulus)

    def _read(self, facts: tuple[stimuli.Fact, ...]) -> None:
        """Fold everything first: nothing is started that a later record of the same batch has ended."""
        apply = self.fold.apply
        changed = dict.fromkeys(apply(fact) for fact in facts)
        for job_id in changed:
            if job_id is not None:
                self.attempts.settle(job_id)

    def _driver_changed(self, stimulus: stimuli.DriverChange) -> None:
        worker = self.fleet.workers.get(stimulus.worker)
        if worker is None:
            return
        match stimulus:
            case stimuli.DriverSpawned():
                worker.pid = stimulus.pid
            case stimuli.DriverReady():
                self._ready(worker, stimulus.spark_ui)
            case stimuli.DriverUnusable():
                self._give_up(worker, f"the driver could not start: {stimulus.error}", stimulus.lines)
            case stimuli.DriverExited():
                how = "the driver died" if worker.ready else "the driver could not start"
                loss = self._loss(worker, f"{how}: {stimulus.reason}", stimulus.lines)
                worker.stopping = True
                del self.fleet.workers[worker.key]
                self.attempts.lose_all(worker, loss)

    def _ready(self, worker: FleetWorker, spark_ui: str | None) -> None:
        if worker.stopping:
            return
        worker.ready, worker.spark_ui = True, spark_ui
        self.preparations.worked(worker)
        for attempt in worker.attempts.values():
            self.attempts.start(attempt, worker)
        self.fleet.release(worker)

    def _give_up(self, worker: FleetWorker, reason: str, lines: tuple[str, ...] = ()) -> None:
        if not worker.stopping:
            loss = self._loss(worker, reason, lines)
            self.fleet.kill(worker)
            self.attempts.lose_all(worker, loss)

    def _loss(self, worker: FleetWorker, reason: str, lines: tuple[str, ...]) -> outcomes.Loss:
        """A driver that ends before it was ready, and was not asked to end, has failed."""
        failed = not worker.ready and not worker.stopping and not self.draining
        if failed:
            self.preparations.failed(worker)
        driver = f"{self.identity.host_id}/{worker.key}" if failed else None
        return outcomes.Loss(reason=reason, lines=lines, failed_driver=driver)

    def _stop_workers(self, request: StopWorkerRequest) -> None:
        if request.host_id == self.identity.host_id:
            for worker in self.fleet.named(request.worker_id):
                self.fleet.kill(worker)
                self.attempts.stop_all(worker)

    def _prepare(self, request: PrepareWorkerRequest) -> None:
        if request.host_id == self.identity.host_id:
            self.preparations.request(request)

    def _time_passed(self, now: float) -> None:
        self.fleet.now = now
        self._published = None  # each tick is a sign of life
        self.fleet.stop_idle(self.preparations.keeps)
        limits = self._limits
        for worker in list(self.fleet.workers.values()):
            if not worker.ready and now - worker.launched_at >= limits.launch:
                self._give_up(worker, f"the driver was not ready within {limits.launch:.0f} s")
            elif worker.ignores_cancel(now, limits.cancel):
                self._give_up(worker, f"the driver did not answer a cancel within {limits.cancel:.0f} s")
            elif self._drain_until is not None and now >= self._drain_until:
                self._give_up(worker, outcomes.HOST_STOPPED)

    def _drain(self, now: float) -> None:
        if self.draining:
            return
        self._drain_until = now + self._limits.grace
        self.fleet.now, self.fleet.draining = now, True
        self.attempts.hand_back()
        for worker in list(self.fleet.workers.values()):
            self.fleet.release(worker)
