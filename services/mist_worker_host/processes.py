"""Ending everything a driver started: its group, and whatever carries its mark in the environment (Linux)."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "MIST_WORKER"
"""The environment variable `<host id>/<worker>` that a driver gives on to its JVM, Python workers and subprocesses."""

_LIMIT = 10.0
_PAUSE = 0.01


def mark_of(host_id: str, worker: int | None = None) -> str:
    """The mark of one worker; without `worker` what the marks of all workers of the host begin with."""
    return f"{host_id}/{'' if worker is None else f'{worker}.'}"


def kill_group(pid: int) -> None:
    """SIGKILL to the process group that `pid` leads, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def kill_marked(mark: str) -> int:
    """SIGKILL to every process whose mark begins so, until none is left; how many there were. Blocks meanwhile."""
    killed: set[int] = set()
    until = time.monotonic() + _LIMIT
    while (found := set(marked(mark))) and time.monotonic() < until:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
        time.sleep(_PAUSE)
    return len(killed)


def marked(mark: str) -> Iterator[int]:
    """The living processes whose mark begins so; this one never counts."""
    wanted = f"\0{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in b"\0" + (folder / "environ").read_bytes():
                    yield int(folder.name)
