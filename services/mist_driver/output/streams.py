"""Standard output, standard error and `logging`: a job's go to its log, all else to where they went before."""

import io
import logging
import os
import sys
from typing import TextIO

from mist_driver.output.job_log import JobLog
from mist_driver.run.run import CURRENT


def route_output() -> None:
    """From here on `print` and `logging` know which job they serve."""
    sys.stdout = RoutedText(sys.__stdout__ or sys.stdout, "INFO")
    sys.stderr = errors = RoutedText(sys.__stderr__ or sys.stderr, "WARNING")
    logging.root.handlers = [RoutedLogging(errors)]
    logging.root.setLevel(logging.INFO)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    os.register_at_fork(after_in_child=_stop_routing)


def _stop_routing() -> None:
    """A forked child has no way to the job's log: what it prints goes to the driver's own output."""
    CURRENT.set(None)


def current_log() -> JobLog | None:
    run = CURRENT.get()
    return None if run is None or run.log.closed else run.log


class RoutedText(io.TextIOBase):
    """One of the two streams. `level` is the level of a line a job writes there."""

    def __init__(self, real: TextIO, level: str) -> None:
        self._real = real
        self._level = level
        self.buffer = RoutedBytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        log = current_log()
        if log is None:
            return self._real.write(text)
        log.write(self._level, text)
        return len(text)

    def flush(self) -> None:
        self._real.flush()

    def fileno(self) -> int:
        return self._real.fileno()


class RoutedBytes(io.RawIOBase):
    """`sys.stdout.buffer`, which some libraries write to."""

    def __init__(self, text: RoutedText) -> None:
        self._text = text

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def flush(self) -> None:
        self._text.flush()


class RoutedLogging(logging.Handler):
    """The root handler. It has no lock: a job interrupted while it holds one would silence all others."""

    def __init__(self, real: io.TextIOBase) -> None:
        super().__init__()
        self._real = real

    def createLock(self) -> None:  # noqa: N802 (the name that `logging` calls)
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        log = current_log()
        text = self.format(record)
        if log is None:
            self._real.write(f"{record.levelname} {record.name}: {text}\n")
        else:
            log.add(record.levelname, text.split("\n"))
