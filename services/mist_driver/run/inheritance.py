"""Threads that a job starts belong to it: their output goes to its log, their Spark work is stopped with it."""

import threading
from typing import Any

from mist_driver.run.run import CURRENT, Run, enter


def let_threads_inherit() -> None:
    """From here on a thread started by a job's code is the job's."""
    start = threading.Thread.start

    def start_inheriting(self: threading.Thread) -> None:
        run = CURRENT.get()
        if run is not None:
            self.run = _within(run, self.run)  # type: ignore[method-assign]
        start(self)

    threading.Thread.start = start_inheriting  # type: ignore[method-assign]


def _within(run: Run, body: Any) -> Any:
    def run_within() -> None:
        enter(run)
        if run.context is not None:
            run.context.adopt_thread()
        body()

    return run_within
