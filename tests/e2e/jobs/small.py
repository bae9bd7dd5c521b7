"""Small jobs that tell of the driver they run in."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any


def noop() -> dict[str, Any]:
    return {}


def select_one(spark) -> dict[str, Any]:  # type: ignore[no-untyped-def]
    """Time that Spark itself takes, in ms."""
    begin = time.perf_counter()
    rows = spark.sql("select 1").collect()
    return {"rows": len(rows), "ms": (time.perf_counter() - begin) * 1000}


def whoami(sc) -> dict[str, int]:  # type: ignore[no-untyped-def]
    """The driver's process and its JVM's."""
    return {"pid": os.getpid(), "jvm": sc._gateway.proc.pid}


def busy_stages(sc) -> dict[str, int]:  # type: ignore[no-untyped-def]
    return {"active": len(sc.statusTracker().getActiveJobsIds())}


def meets(name: str, other: str) -> dict[str, Any]:
    """Ends only when both have come: two jobs at once in one process."""
    doors: dict[str, threading.Event] = sys.__dict__.setdefault("mist_doors", {})
    doors.setdefault(name, threading.Event()).set()
    if not doors.setdefault(other, threading.Event()).wait(60):
        raise TimeoutError(f"{other} did not come")
    return {"met": other, "pid": os.getpid()}


def waits(go: str, done: str) -> dict[str, Any]:
    """Ends once the file `go` is there, and leaves the file `done`."""
    while not Path(go).exists():
        time.sleep(0.05)
    Path(done).touch()
    return {}
