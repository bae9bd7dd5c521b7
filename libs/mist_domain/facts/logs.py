"""Lines that jobs print, as they stand on `mist.job-logs`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`time` in ms, `level` as Python's logging names it."""

    time: int
    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines:
    """A batch of one attempt's lines, in order; `sequence` counts the batches of the attempt from 0."""

    job_id: str
    attempt: int
    sequence: int
    lines: tuple[LogLine, ...]
