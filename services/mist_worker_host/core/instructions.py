"""Everything that the core can ask of the service, as values. The service carries them out in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mist_domain.facts.job_events import JobAttemptLost, JobCanceled, JobFailed, JobFinished, JobInitialized, JobStarted
from mist_domain.facts.registry import Mode
from mist_worker_host.core.stimuli import WorkerKey

HostEvent = JobStarted | JobFinished | JobFailed | JobCanceled | JobAttemptLost


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSettings:
    """The settings that a driver is started with. Two jobs of a context may share a driver when these are equal."""

    worker_id: str
    context: str
    mode: Mode
    threads: int
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    run_options: str = ""

    def is_like(self, other: "DriverSettings") -> bool:
        """True when drivers of the two differ in nothing but their name."""
        return replace(self, worker_id=other.worker_id) == other


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Start a driver. `warm`: no job waits for it, so it tries Spark out before it reports ready."""

    worker: WorkerKey
    settings: DriverSettings
    warm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAttempt:
    """Run the user's code of this attempt. Given once per attempt, after its JobStarted was read back.

    `leased`: another attempt may follow if the host is lost, so this one must not outlive the host's lease.
    """

    worker: WorkerKey
    attempt: int
    job: JobInitialized
    leased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    worker: WorkerKey
    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """End the driver at once, with all that runs in it."""

    worker: WorkerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StopIdle:
    """Ask the driver, in which nothing runs, to end."""

    worker: WorkerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    event: HostEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Append a HostState now."""


Instruction = Launch | RunAttempt | Cancel | Kill | StopIdle | Append | Publish
