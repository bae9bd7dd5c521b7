"""One Spark driver of this host and the attempts in it, as the host's core keeps them."""

from dataclasses import dataclass, field
from enum import Enum, auto

from mist_domain.facts.hosts import Worker as WorkerState
from mist_domain.facts.job_events import JobInitialized
from mist_domain.facts.registry import Context, Mode
from mist_domain.job import worker_id_for
from mist_worker_host.core.instructions import DriverSettings
from mist_worker_host.core.stimuli import WorkerKey


class Phase(Enum):
    """The progress of an attempt on this host."""

    WAITING = auto()
    """For a driver place for its worker."""
    PLACED = auto()
    """In a worker that is not ready yet."""
    STARTING = auto()
    """JobStarted is appended and not read back."""
    RUNNING = auto()
    """The driver was sent the run."""
    ENDING = auto()
    """Its end is appended and not read back."""


@dataclass(slots=True, eq=False)
class Attempt:
    """An attempt that the fold shows as this host's and current."""

    job: JobInitialized
    number: int
    phase: Phase = Phase.WAITING
    worker: "FleetWorker | None" = None

    @property
    def job_id(self) -> str:
        return self.job.job_id


@dataclass(slots=True, eq=False)
class FleetWorker:
    """A driver process.

    `attempts`: the held ones in it whose end is not appended. `runs`: those sent to it and not reported yet, with the
    time a cancel was sent. `draining`: accepts nothing new. `stopping`: was asked to stop, or killed. `spare`: waits for
    its one job. Times are seconds of the host's clock.
    """

    key: WorkerKey
    settings: DriverSettings
    launched_at: float
    downtime: float | None
    pid: int = 0
    spark_ui: str | None = None
    ready: bool = False
    draining: bool = False
    stopping: bool = False
    abandoned: bool = False
    spare: bool = False
    idle_since: float | None = None
    attempts: dict[str, Attempt] = field(default_factory=dict)
    runs: dict[tuple[str, int], float | None] = field(default_factory=dict)

    @property
    def shared(self) -> bool:
        return self.settings.mode == "shared"

    @property
    def open(self) -> bool:
        """True while it accepts attempts."""
        return not (self.draining or self.stopping)

    @property
    def busy(self) -> bool:
        return bool(self.attempts or self.runs)

    def has_idled(self, now: float) -> bool:
        """True when it has been idle for as long as its context allows."""
        if self.idle_since is None or self.downtime is None:
            return False
        return now - self.idle_since >= self.downtime

    def ignores_cancel(self, now: float, limit: float) -> bool:
        """True when a cancel was not answered for `limit` seconds."""
        return any(sent is not None and now - sent >= limit for sent in self.runs.values())

    def state(self) -> WorkerState:
        """Its row in the HostState."""
        return WorkerState(
            worker_id=self.settings.worker_id,
            context=self.settings.context,
            mode=self.settings.mode,
            state=self._state_name(),
            pid=self.pid,
            spark_ui=self.spark_ui,
        )

    def _state_name(self) -> str:
        if not self.open:
            return "draining"
        if not self.ready:
            return "starting"
        if self.spare:
            return "spare"
        return "busy" if self.busy else "idle"


def driver_settings(job: JobInitialized) -> DriverSettings:
    """The settings of the driver that a job needs; an exclusive driver runs one job."""
    return context_settings(job.context, job.mode, worker_id_for(job))


def context_settings(context: Context, mode: Mode, worker_id: str) -> DriverSettings:
    return DriverSettings(
        worker_id=worker_id,
        context=context.name,
        mode=mode,
        threads=context.max_jobs if mode == "shared" else 1,
        spark_conf=context.spark_conf,
        run_options=context.run_options,
    )


def downtime_of(context: Context) -> float | None:
    """Seconds that its idle driver is kept; `None` for ever."""
    return None if context.downtime is None else context.downtime / 1000
