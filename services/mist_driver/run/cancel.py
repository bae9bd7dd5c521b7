"""Stopping a run: its Spark work and its own code. One that still runs after the grace is abandoned.

The states and locks are described in `run`.
"""

import threading
import time
from collections.abc import Callable

from mist_driver.run.run import Run

SPARK_AGAIN = 0.2
FIRST_INTERRUPT = 0.25
LOOK_AGAIN = 0.02


def stop_run(run: Run, stop_spark: Callable[[str], None], grace: float, abandoned: Callable[[Run], None]) -> None:
    """Start to stop a running run and return at once.

    `stop_spark` stops the Spark work of a tag. `abandoned` is called if the run has not ended after `grace` seconds.
    Two threads, since a call to a JVM that is stuck may never return.
    """
    threading.Thread(target=_stop_spark_work, args=(run, stop_spark), name="stop-spark", daemon=True).start()
    threading.Thread(target=_stop_code, args=(run, grace, abandoned), name="stop-code", daemon=True).start()


def _stop_spark_work(run: Run, stop_spark: Callable[[str], None]) -> None:
    """Again and again: a job may answer one failed action with the next, even when it was abandoned."""
    while not run.has_ended:
        if run.uses_spark():
            with run.spark_lock:
                if not run.has_ended:
                    stop_spark(run.tag)
        time.sleep(SPARK_AGAIN)


def _stop_code(run: Run, grace: float, abandoned: Callable[[Run], None]) -> None:
    since = time.monotonic()
    while run.is_running and time.monotonic() < since + grace:
        if time.monotonic() >= since + FIRST_INTERRUPT:
            run.interrupt()
        time.sleep(LOOK_AGAIN)
    if run.abandon():
        abandoned(run)
