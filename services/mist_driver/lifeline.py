"""The life of the driver: its process group, its lease, its exit codes.

The group holds the driver, its JVM and what jobs start. It ends as a whole, however the driver dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from typing import NoReturn

JVM_DIED = 70
CONTEXT_STOPPED = 71
UNUSABLE = 72
BROKEN = 73

PR_SET_PDEATHSIG = 1
WATCH = "trap '' HUP INT TERM; read -r _; kill -KILL 0"


def leave(code: int, last_line: str) -> NoReturn:
    """End this process at once. The host reads the reason from the last line, which begins with "The driver"."""
    print(last_line, file=sys.__stderr__, flush=True)
    os._exit(code)


def end_group() -> None:
    """Kill every process of this group, this one too. Python workers of Spark follow their JVM."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def tie_together() -> None:
    """Make the group this process's own and tie its life to this process, and this process's life to its parent."""
    if os.getpgrp() != os.getpid():
        os.setsid()
    _start_watch()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _start_watch() -> None:
    """Start a shell that waits for our end of a pipe to close: the kernel closes it in every kind of death."""
    read_end, write_end = os.pipe()
    held_open = os.fdopen(write_end, "wb", buffering=0)
    os.register_at_fork(after_in_child=held_open.close)
    subprocess.Popen(["/bin/sh", "-c", WATCH], stdin=read_end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(read_end)


LATE = 0.25
"""Seconds that an expired lease waits for a renewal that lies unread in the pipe.

C code of a job may have held the interpreter's lock meanwhile. Nothing here can act before it lets go of it."""


class Lease:
    """Times are seconds of CLOCK_MONOTONIC, the same clock for every process of the machine."""

    def __init__(self, until: float) -> None:
        self._until = until
        threading.Thread(target=self._watch, name="lease", daemon=True).start()

    def renew(self, until: float) -> None:
        self._until = until

    def _watch(self) -> None:
        while True:
            remaining = self._until - time.monotonic()
            if remaining > 0:
                time.sleep(remaining)
            else:
                time.sleep(LATE)
                if self._until <= time.monotonic():
                    end_group()
