"""Everything that can happen to a worker host, as values: facts read, requests, reports of drivers, time."""

from dataclasses import dataclass
from typing import NamedTuple

from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.requests import PrepareWorkerRequest, StopWorkerRequest

WorkerKey = int
"""Names one driver process of this host; never used again, so that a late report of a dead driver is not mistaken."""


class Fact(NamedTuple):
    """One record of `mist.job-events` and its append time (ms); `event` is `None` when it could not be understood."""

    partition: int
    offset: int
    time: int
    event: JobEvent | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Records read together, in the log's order."""

    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp:
    """The log has been read to the end it had when the host started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverSpawned:
    worker: WorkerKey
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverReady:
    worker: WorkerKey
    spark_ui: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverUnusable:
    """The driver could not make its Spark session; `lines` are the last it printed."""

    worker: WorkerKey
    error: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverExited:
    """`reason` says how: "exit code 1", "signal 9 (SIGKILL)"."""

    worker: WorkerKey
    reason: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    worker: WorkerKey
    job_id: str
    attempt: int
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    worker: WorkerKey
    job_id: str
    attempt: int
    error: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCanceled:
    """`abandoned`: the driver gave up on a thread that does not end; that driver is good for nothing new."""

    worker: WorkerKey
    job_id: str
    attempt: int
    abandoned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """`now` in seconds of a clock that never goes back. Comes about once a second."""

    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainAsked:
    """The host is to stop: nothing new, and what runs may end until its grace is over."""

    now: float


Report = RunFinished | RunFailed | RunCanceled
DriverChange = DriverSpawned | DriverReady | DriverUnusable | DriverExited
FromDriver = DriverChange | Report
Stimulus = Read | CaughtUp | StopWorkerRequest | PrepareWorkerRequest | FromDriver | TimePassed | DrainAsked
