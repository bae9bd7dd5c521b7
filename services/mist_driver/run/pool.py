"""The threads that run jobs: as many as are needed, up to a limit, used again and again.

A thread that was left to a job that would not end, or that was interrupted, runs no other job.
"""

import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue

from mist_driver.lifeline import BROKEN, leave
from mist_driver.protocol import Canceled, Outcome
from mist_driver.run.run import Run, enter
from mist_driver.spark.patches import JobInterrupted

Perform = Callable[[Run], Outcome]
Report = Callable[[Run, Outcome], None]


class Pool:
    """`perform` runs a job to its outcome, in a thread of the pool; `report` sends the outcome to the host."""

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

    def next(self, tag: str, spark_lock: threading.Lock) -> Run:
        """Wait for a run and start it in the calling thread, whose tag and lock these are."""
        while True:
            with self._lock:
                self._spare += 1
            run = self._runs.get()
            if run.start(tag, spark_lock):
                return run

    def retire(self) -> None:
        """Count out one thread that runs nothing more; another may replace it."""
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
        self._tag = f"mist-thread-{number}"
        self._spark_lock = threading.Lock()
        self._pool = pool

    def run(self) -> None:
        try:
            while self._serve(self._pool.next(self._tag, self._spark_lock)):
                with self._spark_lock:
                    pass  # a stop on its way to Spark must not meet the next run's work
        except Exception:  # noqa: BLE001 (the thread ends: a bug here must not leave a run without an answer)
            traceback.print_exc()
            leave(BROKEN, "The driver ends: one of its threads broke.")

    def _serve(self, run: Run) -> bool:
        """Run one job and report its outcome. False when this thread must not be used again."""
        enter(run)
        outcome: Outcome = Canceled(job_id=run.job_id, attempt=run.attempt)
        try:
            outcome = self._pool.perform(run)
            is_ours = run.end()
        except JobInterrupted:
            is_ours = run.end()
        enter(None)
        if not is_ours:
            return False
        self._pool.report(run, outcome)
        if run.interrupted_at is not None:
            self._pool.retire()
        return run.interrupted_at is None
