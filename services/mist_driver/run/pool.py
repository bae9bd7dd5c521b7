"""The threads that run jobs: as many as are needed, up to a limit, used again and again.

A thread that was left to a job that would not end, or that was interrupted, runs no other job.
"""

import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue

from mist_driver.run.interrupt import JobInterrupted, forget_interrupt
from mist_driver.run.outcome import Canceled, Outcome
from mist_driver.run.run import Run, RunState, enter
from mist_driver.spark.context import SparkThread
from mist_driver.spark.spark import BROKEN, Spark, leave

Perform = Callable[[Run, "JobThread"], Outcome]
Report = Callable[[Run, Outcome], None]


class Pool:
    """`perform` runs a job to its outcome, in a thread of the pool; `report` tells the host."""

    def __init__(self, limit: int, perform: Perform, report: Report) -> None:
        self.perform = perform
        self.report = report
        self._limit = limit
        self._runs: SimpleQueue[Run] = SimpleQueue()
        self._spare = 0
        """Idle threads less waiting runs."""
        self._live = 0
        self._made = 0
        self._lock = threading.Lock()

    def submit(self, run: Run) -> None:
        with self._lock:
            self._spare -= 1
            self._grow_if_needed()
        self._runs.put(run)

    def withdraw(self, run: Run) -> bool:
        """Take back a run that no thread has begun."""
        with run.lock:
            waits = run.state is RunState.WAITING
            if waits:
                run.state = RunState.ENDED
        return waits

    def next(self, worker: "JobThread") -> Run:
        """The next run, for a thread of the pool; waits for one. From here on a cancel must stop it."""
        while True:
            with self._lock:
                self._spare += 1
            run = self._runs.get()
            with run.lock:
                if run.state is RunState.WAITING:
                    run.worker = worker
                    run.state = RunState.RUNNING
                    return run

    def retire(self) -> None:
        """One thread of the pool takes no more runs; another may take its place."""
        with self._lock:
            self._live -= 1
            self._grow_if_needed()

    def _grow_if_needed(self) -> None:
        if self._spare < 0 and self._live < self._limit:
            self._grow()

    def _grow(self) -> None:
        self._live += 1
        self._made += 1
        JobThread(self, self._made).start()


class JobThread(threading.Thread):
    """One thread of the pool. Its Spark work carries its tag, whichever job it runs."""

    def __init__(self, pool: Pool, number: int) -> None:
        super().__init__(name=f"job-{number}", daemon=True)
        self.tag = f"mist-thread-{number}"
        self.stopping_spark = threading.Lock()
        self._pool = pool
        self._spark: SparkThread | None = None

    def run(self) -> None:
        try:
            while self._serve(self._pool.next(self)):
                self._await_cancels()
        except Exception:  # noqa: BLE001 (a bug here must not leave a run without an answer)
            traceback.print_exc()
            leave(BROKEN, "The driver ends: one of its threads broke.")

    def _serve(self, run: Run) -> bool:
        """Run one job and tell how it ended. False: this thread must not be used again."""
        enter(run)
        outcome: Outcome | None = None
        try:
            outcome = self._pool.perform(run, self)
            _settle(run)
        except JobInterrupted:
            _settle(run)
        enter(None)
        if run.state is RunState.ABANDONED:
            return False
        self._pool.report(run, outcome or Canceled())
        if run.interrupted_at is not None:
            self._pool.retire()
        return run.interrupted_at is None

    def _await_cancels(self) -> None:
        """A cancel on its way to Spark must not meet the next run's work."""
        with self.stopping_spark:
            return

    def begin_spark(self, spark: Spark, description: str) -> None:
        """Called in this thread when its job first asks for Spark."""
        if self._spark is None:
            self._spark = SparkThread(spark, self.tag)
        self._spark.begin(description)


def _settle(run: Run) -> None:
    """The run is over, unless it was abandoned before; from here on no interrupt reaches this thread.

    At most one interrupt can be pending: none is sent outside the job's own code.
    """
    with run.lock:
        if run.state is RunState.RUNNING:
            run.state = RunState.ENDED
        forget_interrupt(threading.get_ident())
