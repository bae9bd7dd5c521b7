"""The process group: the driver, its JVM and what jobs start. It ends as a whole, however the driver dies."""

import ctypes
import os
import signal
import subprocess
import threading
import time

PR_SET_PDEATHSIG = 1
WATCH = "trap '' HUP INT TERM; read -r _; kill -KILL 0"


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
    """A shell that waits for our end of a pipe to close, which the kernel does in every kind of death."""
    read_end, write_end = os.pipe()
    held_open = os.fdopen(write_end, "wb", buffering=0)
    os.register_at_fork(after_in_child=held_open.close)
    subprocess.Popen(["/bin/sh", "-c", WATCH], stdin=read_end, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(read_end)


LATE = 0.25
"""Seconds a passed lease waits for a renewal that lies unread in the pipe, as when a job's C code held the
interpreter. While such code runs nothing here can act: Python's lock is the limit of this lease."""


class Lease:
    """Times are seconds of CLOCK_MONOTONIC, the same clock for every process of the machine."""

    def __init__(self, until: float) -> None:
        self._until = until
        threading.Thread(target=self._watch, name="lease", daemon=True).start()

    def renew(self, until: float) -> None:
        self._until = until

    def _watch(self) -> None:
        while True:
            left = self._until - time.monotonic()
            if left > 0:
                time.sleep(left)
            else:
                time.sleep(LATE)
                if self._until <= time.monotonic():
                    end_group()
