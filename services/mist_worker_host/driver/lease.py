"""The lease: no renewal from the host in time, and the whole group is killed. A paused host keeps no job alive."""

import threading
import time

from mist_worker_host.driver.group import end_group

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
