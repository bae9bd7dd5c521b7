"""One attempt at a job as the driver sees it, and which attempt the running code belongs to."""

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from mist.current import RUNNING, CurrentJob

if TYPE_CHECKING:
    from mist_driver.output.job_log import JobLog
    from mist_driver.run.pool import JobThread
    from mist_driver.spark.context import JobContext


class RunState(Enum):
    WAITING = auto()
    RUNNING = auto()
    ENDED = auto()
    ABANDONED = auto()


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """`lock` guards `state` and is never held over anything that waits.

    `disturbed`: a cancel reached the job's code or its Spark work, so that what it returns is no result any more.
    """

    job_id: str
    attempt: int
    path: str
    class_name: str
    parameters: dict[str, Any]
    log: "JobLog"
    lock: threading.Lock = field(default_factory=threading.Lock)
    state: RunState = RunState.WAITING
    cancel_requested: bool = False
    disturbed: bool = False
    interrupted_at: float | None = None
    worker: "JobThread | None" = None
    context: "JobContext | None" = None
    origin: str | None = None

    @property
    def is_running(self) -> bool:
        return self.state is RunState.RUNNING

    @property
    def has_ended(self) -> bool:
        return self.state is RunState.ENDED

    @property
    def names(self) -> dict[str, Any]:
        """How the pipe names it."""
        return {"jobId": self.job_id, "attempt": self.attempt}


CURRENT: ContextVar[Run | None] = ContextVar("mist_tools.run", default=None)
"""The attempt whose code runs here. Threads that a job starts inherit it (`inheritance`)."""


def enter(run: Run | None) -> None:
    """From here on this thread's code is the run's; nobody's without one."""
    CURRENT.set(run)
    RUNNING.set(None if run is None else CurrentJob(run.job_id, run.attempt))
