"""The job of the drill: what it does it writes to a file of its own, line by line, each in one write.

A line is `start | beat | end`, attempt, process, seconds of CLOCK_MONOTONIC and of the wall clock. An attempt that is
killed leaves a start, and beats, without an end.
"""

import os
import time
from pathlib import Path

from mist import current_job

RUNS = "MIST_DRILL_RUNS"
BEAT_SECONDS = 0.05


def work(seconds: float = 0.0) -> dict[str, int]:
    """Do nothing for that long, and leave a trace of it."""
    job_id, attempt = current_job()
    until = time.monotonic() + seconds
    trace = os.open(Path(os.environ[RUNS]) / job_id, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        _write(trace, "start", attempt)
        try:
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, BEAT_SECONDS))
                _write(trace, "beat", attempt)
        finally:
            _write(trace, "end", attempt)
    finally:
        os.close(trace)
    return {"attempt": attempt}


def _write(trace: int, what: str, attempt: int) -> None:
    os.write(trace, f"{what} {attempt} {os.getpid()} {time.monotonic():.6f} {time.time():.6f}\n".encode())
