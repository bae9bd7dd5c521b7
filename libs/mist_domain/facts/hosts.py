"""Worker hosts as they tell of themselves on `mist.hosts`, and the scheduler's tick that measures their silence."""

from dataclasses import dataclass

from mist_domain.facts.registry import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One Spark driver. `state` is one of starting, idle, spare, busy, draining; `pid` is its process on that host."""

    worker_id: str
    context: str
    mode: str
    state: str
    pid: int
    spark_ui: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAttempt:
    job_id: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Drivers that a host keeps ready on request: `count` of a context, started with `settings` (`context_hash`)."""

    context: str
    mode: Mode
    count: int
    settings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A full snapshot of one host.

    `slots` = attempts it takes at once; `max_workers` = drivers it keeps at once; `offsets[p]` = the last offset of
    `mist.job-events` partition `p` it had folded (-1 for none), by which `attempts` is complete; `replaces` = the
    predecessor on the same state folder, which is dead.
    """

    host_id: str
    name: str
    address: str
    slots: int
    max_workers: int
    workers: tuple[Worker, ...] = ()
    attempts: tuple[HeldAttempt, ...] = ()
    offsets: tuple[int, ...] = ()
    spark_version: str
    java_version: str = ""
    draining: bool = False
    replaces: str | None = None
    stopped: bool = False
    prepared: tuple[Prepared, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The active scheduler's clock: its append time is `now`, its count measures a host's silence."""

    scheduler_id: str


HostRecord = HostState | Tick
