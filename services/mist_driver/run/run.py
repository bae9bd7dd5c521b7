"""One attempt at a job inside the driver: its states, and the run that the calling code belongs to.

    WAITING --start--> RUNNING ---------end---------> ENDED
       |                  |                             ^ ^
       |                  +--abandon--> ABANDONED --end-+ |
       +-----------------------withdraw-------------------+

| transition | made by | meaning |
|---|---|---|
| start | a thread of the pool | the job's code runs; from here on a cancel must stop it |
| withdraw | the thread that reads the pipe | canceled before any thread took it |
| abandon | the "stop-code" thread of the cancel | the grace is over; reported as canceled, its thread left to the job |
| end | the thread that started it | its code has returned or raised; after `abandon` it is not reported again |

Three locks keep cancels off the wrong run:

- `Run.lock` guards `state`, `interrupted_at` and `disturbed`. Every transition and every interrupt happens under it, so
  no interrupt is sent once `end` has returned. It is never held over anything that waits.
- `Run.spark_lock` is the lock of the run's thread. A cancel holds it while it checks that the run has not ended and
  stops the thread's Spark work. The thread acquires it between two runs, so no late stop meets the next run.
- The pool's own lock guards its counts only.
"""

import os
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from mist.current import RUNNING, CurrentJob
from mist_driver.output.job_log import JobLog
from mist_driver.spark.patches import forget_interrupt, interrupt

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

INTERRUPT_AGAIN = 1.0


class RunState(Enum):
    """See the diagram of this module."""

    WAITING = auto()
    RUNNING = auto()
    ABANDONED = auto()
    ENDED = auto()


def _uses_no_spark() -> bool:
    return False


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """`arguments` is JSON text. `origin` is the beginning of the file names of the job's own code, once known.

    `tag`, `thread_id` and `spark_lock` are those of its thread; the tag marks the thread's Spark work.
    `uses_spark`, `session` and `adopt_thread` are what the run may ask of its Spark, once its code is called.
    `disturbed`: a cancel reached the job's code or its Spark work, so what it returns is no result any more.
    """

    job_id: str
    attempt: int
    path: str
    class_name: str
    arguments: str
    log: JobLog
    lock: threading.Lock = field(default_factory=threading.Lock)
    state: RunState = RunState.WAITING
    cancel_requested: bool = False
    disturbed: bool = False
    interrupted_at: float | None = None
    origin: str | None = None
    tag: str = ""
    thread_id: int = 0
    spark_lock: threading.Lock = field(default_factory=threading.Lock)
    uses_spark: Callable[[], bool] = _uses_no_spark
    session: "Callable[[], SparkSession] | None" = None
    adopt_thread: Callable[[], None] | None = None

    @property
    def key(self) -> tuple[str, int]:
        """Job id and attempt, by which the host names it."""
        return self.job_id, self.attempt

    @property
    def is_running(self) -> bool:
        return self.state is RunState.RUNNING

    @property
    def has_ended(self) -> bool:
        return self.state is RunState.ENDED

    def start(self, tag: str, spark_lock: threading.Lock) -> bool:
        """Called in the thread that is to run it. False when it was withdrawn."""
        with self.lock:
            if self.state is not RunState.WAITING:
                return False
            self.tag, self.thread_id, self.spark_lock = tag, threading.get_ident(), spark_lock
            self.state = RunState.RUNNING
            return True

    def withdraw(self) -> bool:
        """True when no thread had started it; none will from now on."""
        with self.lock:
            if self.state is not RunState.WAITING:
                return False
            self.state = RunState.ENDED
            return True

    def abandon(self) -> bool:
        """True when it was still running: its end is for the caller to report."""
        with self.lock:
            if self.state is not RunState.RUNNING:
                return False
            self.state = RunState.ABANDONED
            return True

    def end(self) -> bool:
        """Called in its thread. True when its end is for this thread to report, False when it was abandoned before.

        At most one interrupt can be pending, since none is sent outside the job's own code. It is cleared before
        anything changes, so the call may be repeated when the interrupt broke it off.
        """
        with self.lock:
            forget_interrupt(threading.get_ident())
            was_abandoned = self.state is RunState.ABANDONED
            self.state = RunState.ENDED
            return not was_abandoned

    def interrupt(self) -> None:
        """Raise `JobInterrupted` in the job's own code, if it runs there now and was not interrupted just before."""
        now = time.monotonic()
        with self.lock:
            due = self.interrupted_at is None or now >= self.interrupted_at + INTERRUPT_AGAIN
            if due and self.is_running and self.origin is not None and interrupt(self.thread_id, self.origin):
                self.interrupted_at = now
                self.disturbed = True


CURRENT: ContextVar[Run | None] = ContextVar("mist_driver.run", default=None)
"""The run whose code runs here. Threads that a job starts inherit it."""


def enter(run: Run | None) -> None:
    """Make the calling thread's code the run's, or nobody's."""
    CURRENT.set(run)
    RUNNING.set(None if run is None else CurrentJob(run.job_id, run.attempt))


def within_current_run(body: Callable[[], None]) -> Callable[[], None]:
    """The body of a new thread, wrapped to belong to the run that starts it: its output, and its Spark work."""
    run = CURRENT.get()
    if run is None:
        return body

    def within() -> None:
        enter(run)
        if run.adopt_thread is not None:
            run.adopt_thread()
        body()

    return within


def current_log() -> JobLog | None:
    """The open log of the current run."""
    run = CURRENT.get()
    return None if run is None or run.log.closed else run.log


def current_session() -> "SparkSession | None":
    """The session of the current run, made when first asked for."""
    run = CURRENT.get()
    return None if run is None or run.session is None else run.session()


def is_canceled_call(error: str) -> bool:
    """True when `error`, of a call to the JVM, comes of canceling the current run; what the run returns is void then."""
    run = CURRENT.get()
    if run is None or not run.cancel_requested or not run.tag or run.tag not in error:
        return False
    run.disturbed = True
    return True


def leave_run_in_children() -> None:
    """A child that a job forks has no way to the job's log: its output goes to the driver's own."""
    os.register_at_fork(after_in_child=lambda: CURRENT.set(None))
