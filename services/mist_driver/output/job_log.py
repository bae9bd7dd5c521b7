"""The lines that one attempt prints and logs: whole, bounded, sent in batches and never from the job's own thread.

A job's code only appends here, so a job that is interrupted half-way leaves no half-sent batch behind.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice

from mist_domain.facts.logs import LogLine

Send = Callable[[list[LogLine]], None]

KEPT_BYTES = 10_000_000
LINE_LENGTH = 32_000
BATCH_LINES = 200
BATCH_LENGTH = 256_000


class JobLog:
    """`send` sends one batch; `on_first` is called when the first line arrives after there was none to send."""

    def __init__(self, send: Send, on_first: Callable[["JobLog"], None], kept_bytes: int = KEPT_BYTES) -> None:
        self.closed = False
        self._send = send
        self._on_first = on_first
        self._remaining = self._limit = kept_bytes
        self._cut = 0
        self._partial: dict[tuple[str, int], str] = {}
        self._lines: deque[LogLine] = deque()
        self._lock = threading.Lock()
        self._sending = threading.Lock()

    def write(self, level: str, text: str) -> None:
        """Add text as streams get it: the part after the last line break waits for the rest."""
        key = (level, threading.get_ident())
        with self._lock:
            *lines, rest = (self._partial.pop(key, "") + text).split("\n")
            if len(rest) > LINE_LENGTH:
                lines, rest = [*lines, rest], ""
            if rest:
                self._partial[key] = rest
        self.add(level, lines)

    def add(self, level: str, lines: list[str]) -> None:
        """Add whole lines; a very long one is cut into several."""
        if not lines:
            return
        with self._lock:
            was_empty = not self._lines
            for line in lines:
                for at in range(0, len(line) or 1, LINE_LENGTH):
                    self._keep(level, line[at : at + LINE_LENGTH])
            has_first = was_empty and bool(self._lines)
        if has_first:
            self._on_first(self)

    def flush(self) -> None:
        """Send all whole lines, in order, a batch at a time."""
        with self._sending:
            while batch := self._next_batch():
                self._send(batch)

    def close(self) -> None:
        """Send everything, unfinished lines too, and accept no more: what comes later belongs to no job."""
        with self._lock:
            rests, self._partial = self._partial, {}
            for (level, _), rest in rests.items():
                self._keep(level, rest)
            if self._cut:
                self._lines.append(_line("WARNING", f"{self._cut:,} more bytes were printed and not kept"))
            self.closed = True
        self.flush()

    def _keep(self, level: str, text: str) -> None:
        encoded = text.encode("utf-8", "replace")
        size = len(encoded) + 1
        if self.closed:
            return
        if self._cut == 0 and size <= self._remaining:
            self._remaining -= size
            self._lines.append(_line(level, encoded.decode()))
            return
        if self._cut == 0:
            limit = f"A job may print {self._limit:,} bytes. What this one prints from here on is not kept."
            self._lines.append(_line("WARNING", limit))
        self._cut += size

    def _next_batch(self) -> list[LogLine]:
        with self._lock:
            length, count = 0, 0
            for line in islice(self._lines, BATCH_LINES):
                length += len(line.text)
                if count and length > BATCH_LENGTH:
                    break
                count += 1
            return [self._lines.popleft() for _ in range(count)]


def _line(level: str, text: str) -> LogLine:
    return LogLine(time=int(time.time() * 1000), level=level, text=text)


EVERY = 0.1
"""Seconds that a first line waits for others to be sent with it."""


class LogSender:
    """A thread that flushes the logs that were woken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[JobLog] = []
        self._some = threading.Event()
        threading.Thread(target=self._run, name="log-sender", daemon=True).start()

    def wake(self, log: JobLog) -> None:
        with self._lock:
            self._waiting.append(log)
        self._some.set()

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(EVERY)
            with self._lock:
                waiting, self._waiting = self._waiting, []
                self._some.clear()
            for log in waiting:
                log.flush()
