"""Stopping one run: its Spark work, then its own code, and after the grace it is left alone and told as canceled."""

import threading
import time
from collections.abc import Callable

from mist_driver.run.interrupt import interrupt
from mist_driver.run.run import Run, RunState
from mist_driver.spark.spark import Spark

SPARK_AGAIN = 0.2
FIRST_INTERRUPT = 0.25
INTERRUPT_AGAIN = 1.0
LOOK_AGAIN = 0.02


def stop_run(run: Run, spark: Spark, grace: float, abandon: Callable[[Run], None]) -> None:
    """Begin to stop a running run and return at once. `abandon` is called if it still runs after `grace` seconds.

    Two threads, since a call to a JVM that is stuck may never return.
    """
    threading.Thread(target=_stop_spark_work, args=(run, spark), name="stop-spark", daemon=True).start()
    threading.Thread(target=_stop_code, args=(run, grace, abandon), name="stop-code", daemon=True).start()


def _stop_spark_work(run: Run, spark: Spark) -> None:
    """Again and again: a job may answer one failed action with the next, even when it was abandoned."""
    worker = run.worker
    while worker is not None and worker.is_alive() and not run.has_ended:
        if run.context is not None and run.context.uses_spark:
            with worker.stopping_spark:
                if not run.has_ended:
                    spark.cancel(worker.tag)
        time.sleep(SPARK_AGAIN)


def _stop_code(run: Run, grace: float, abandon: Callable[[Run], None]) -> None:
    began = time.monotonic()
    while run.is_running and time.monotonic() < began + grace:
        if time.monotonic() >= began + FIRST_INTERRUPT:
            _interrupt(run)
        time.sleep(LOOK_AGAIN)
    with run.lock:
        if not run.is_running:
            return
        run.state = RunState.ABANDONED
    abandon(run)


def _interrupt(run: Run) -> None:
    now = time.monotonic()
    with run.lock:
        due = run.interrupted_at is None or now >= run.interrupted_at + INTERRUPT_AGAIN
        if not due or not run.is_running or run.worker is None or run.origin is None:
            return
        if interrupt(run.worker.ident or 0, run.origin):
            run.interrupted_at = now
            run.disturbed = True
