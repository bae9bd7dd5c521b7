"""Standard output, standard error and `logging`: a job's go to its log, all others where they went before."""

import io
import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

from mist_driver.output.job_log import JobLog

CurrentLog = Callable[[], JobLog | None]


def route_output(current_log: CurrentLog) -> None:
    """Route `print` and `logging` from here on: to `current_log()`, the log of the calling job, if there is one."""
    sys.stdout = RoutedText(sys.__stdout__ or sys.stdout, "INFO", current_log)
    sys.stderr = errors = RoutedText(sys.__stderr__ or sys.stderr, "WARNING", current_log)
    logging.root.handlers = [RoutedLogging(errors, current_log)]
    logging.root.setLevel(logging.INFO)
    logging.getLogger("py4j").setLevel(logging.WARNING)


class RoutedText(io.TextIOBase):
    """Standard output or standard error. `level` is the level of a line that a job writes there."""

    encoding = "utf-8"

    def __init__(self, real: TextIO, level: str, current_log: CurrentLog) -> None:
        self._real = real
        self._level = level
        self._current_log = current_log
        self.buffer = RoutedBytes(self)

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        log = self._current_log()
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

    def write(self, data: Any, /) -> int:
        self._text.write(bytes(data).decode("utf-8", "replace"))
        return len(data)

    def flush(self) -> None:
        self._text.flush()


class RoutedLogging(logging.Handler):
    """The root handler. It has no lock: a job interrupted while it holds one would silence all others."""

    def __init__(self, real: io.TextIOBase, current_log: CurrentLog) -> None:
        super().__init__()
        self._real = real
        self._current_log = current_log

    def createLock(self) -> None:  # noqa: N802 (the name that `logging` calls)
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        log = self._current_log()
        text = self.format(record)
        if log is None:
            self._real.write(f"{record.levelname} {record.name}: {text}\n")
        else:
            log.add(record.levelname, text.split("\n"))
