"""The worker host's decisions: what happened goes in, what is to be done comes out. No I/O, no clock.

It keeps exactly the attempts that its own fold shows as its own and current. An attempt goes through the phases of
`Phase`: it waits for a place, sits in a worker, its JobStarted is appended; once that was read back it runs; its end
is appended; once that was read back it is forgotten.
"""

from typing import assert_never

from mist_domain.facts.hosts import HeldAttempt, HostState
from mist_domain.facts.requests import PrepareWorkerRequest, StopWorkerRequest
from mist_worker_host.core import outcomes as ends
from mist_worker_host.core.attempts import Attempts, Identity, TimeLimits
from mist_worker_host.core.fleet import Fleet
from mist_worker_host.core.instructions import Instruction
from mist_worker_host.core.job_fold import JobFold
from mist_worker_host.core.outbox import Outbox
from mist_worker_host.core.spares import Preparations
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
    WorkerKey,
)
from mist_worker_host.core.worker import FleetWorker


class HostCore:
    """Mutable, single-threaded."""

    def __init__(self, identity: Identity, patience: TimeLimits) -> None:
        self.identity = identity
        self.fold = JobFold(identity.partitions)
        self.caught_up = False
        self._patience = patience
        self._outbox = Outbox()
        self.fleet = Fleet(identity.max_workers, self._outbox)
        self.attempts = Attempts(identity, self.fold, self.fleet, self._outbox)
        self.preparations = Preparations(self.fleet)
        self._drain_until: float | None = None

    def handle(self, *stimuli: Stimulus) -> list[Instruction]:
        """Take what happened, in order; what is to be done now."""
        for stimulus in stimuli:
            self._take(stimulus)
        self.attempts.seat_waiting()
        self.preparations.keep()
        return self._outbox.take(publish=self.caught_up)

    @property
    def draining(self) -> bool:
        return self._drain_until is not None

    @property
    def drained(self) -> bool:
        """Whether a host that was told to stop has nothing left."""
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
            workers=tuple(worker.told() for worker in self.fleet.workers.values()),
            attempts=tuple(HeldAttempt(job_id=one.job_id, attempt=one.number) for one in self.attempts.held.values()),
            offsets=tuple(self.fold.offsets),
            spark_version=identity.spark_version,
            java_version=identity.java_version,
            draining=self.draining,
            replaces=identity.replaces,
            stopped=stopped,
            prepared=self.preparations.told(),
        )

    def unleased(self) -> frozenset[WorkerKey]:
        """The workers that may live on while Kafka is away: nothing that runs in them could be started elsewhere."""
        return frozenset(one.key for one in self.fleet.workers.values() if not self.attempts.is_leased(one))

    def _take(self, stimulus: Stimulus) -> None:
        match stimulus:
            case Read():
                self._read(stimulus.facts)
            case RunFinished() | RunFailed() | RunCanceled():
                self.attempts.reported(stimulus)
            case TimePassed():
                self._time_passed(stimulus.now)
            case DriverSpawned() | DriverReady() | DriverUnusable() | DriverExited():
                self._driver_changed(stimulus)
            case StopWorkerRequest():
                self._stop_workers(stimulus)
            case PrepareWorkerRequest():
                self._prepare(stimulus)
            case CaughtUp():
                self.caught_up = self._outbox.changed = True
            case DrainAsked():
                self._drain(stimulus.now)
            case _:
                assert_never(stimulus)

    def _read(self, facts: tuple[Fact, ...]) -> None:
        """Fold everything first: nothing is begun that a later record of the same batch has ended."""
        take = self.fold.take
        changed = dict.fromkeys(take(fact) for fact in facts)
        for job_id in changed:
            if job_id is not None:
                self.attempts.settle(job_id)

    def _driver_changed(self, stimulus: DriverSpawned | DriverReady | DriverUnusable | DriverExited) -> None:
        worker = self.fleet.workers.get(stimulus.worker)
        if worker is None:
            return
        self._outbox.changed = True
        match stimulus:
            case DriverSpawned():
                worker.pid = stimulus.pid
            case DriverReady():
                self._ready(worker, stimulus.spark_ui)
            case DriverUnusable():
                self._give_up(worker, f"the driver could not start: {stimulus.error}", stimulus.lines)
            case DriverExited():
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
        self.fleet.rest(worker)

    def _give_up(self, worker: FleetWorker, reason: str, lines: tuple[str, ...] = ()) -> None:
        if not worker.stopping:
            loss = self._loss(worker, reason, lines)
            self.fleet.kill(worker)
            self.attempts.lose_all(worker, loss)

    def _loss(self, worker: FleetWorker, reason: str, lines: tuple[str, ...]) -> ends.Loss:
        """A driver that ends before it was ready, and was not told to end, has failed."""
        failed = not worker.ready and not worker.stopping and not self.draining
        if failed:
            self.preparations.failed(worker)
        driver = f"{self.identity.host_id}/{worker.key}" if failed else None
        return ends.Loss(reason=reason, lines=lines, failed_driver=driver)

    def _stop_workers(self, request: StopWorkerRequest) -> None:
        if request.host_id == self.identity.host_id:
            for worker in self.fleet.named(request.worker_id):
                self.fleet.kill(worker)
                self.attempts.stop_all(worker)

    def _prepare(self, request: PrepareWorkerRequest) -> None:
        if request.host_id == self.identity.host_id:
            self.preparations.ask(request)
            self._outbox.changed = True

    def _time_passed(self, now: float) -> None:
        self.fleet.now, self._outbox.changed = now, True
        self.fleet.stop_idle(self.preparations.keeps)
        patience = self._patience
        for worker in list(self.fleet.workers.values()):
            if not worker.ready and now - worker.launched_at >= patience.launch:
                self._give_up(worker, f"the driver was not ready within {patience.launch:.0f} s")
            elif worker.is_deaf(now, patience.cancel):
                self._give_up(worker, f"the driver did not answer a cancel within {patience.cancel:.0f} s")
            elif self._drain_until is not None and now >= self._drain_until:
                self._give_up(worker, ends.HOST_STOPPED)

    def _drain(self, now: float) -> None:
        if self.draining:
            return
        self._drain_until = now + self._patience.grace
        self.fleet.now, self.fleet.draining, self._outbox.changed = now, True, True
        self.attempts.give_back()
        for worker in list(self.fleet.workers.values()):
            self.fleet.rest(worker)
