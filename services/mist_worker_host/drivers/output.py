"""What a driver prints that belongs to no job: its last lines kept in mind, all of it in a file that is kept short."""

from collections import deque
from pathlib import Path

_LONGEST_LINE = 2_000


class Printed:
    """`path` holds at most `limit` bytes; what was before stands in a second file beside it."""

    def __init__(self, path: Path, *, lines: int, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._file = path.open("wb", buffering=0)
        self._size = 0
        self._lines: deque[bytes] = deque(maxlen=lines)
        self._unfinished = b""

    def feed(self, content: bytes) -> None:
        self._write(content)
        *lines, rest = (self._unfinished + content).split(b"\n")
        self._lines.extend(line[:_LONGEST_LINE] for line in lines)
        self._unfinished = rest[:_LONGEST_LINE]

    def last(self) -> tuple[str, ...]:
        lines = [*self._lines, self._unfinished] if self._unfinished else [*self._lines]
        return tuple(line.decode("utf-8", "replace").rstrip("\r") for line in lines)

    def close(self) -> None:
        self._file.close()

    def _write(self, content: bytes) -> None:
        if self._size + len(content) > self._limit and self._size:
            self._file.close()
            self._path.replace(self._path.with_suffix(".1.log"))
            self._file = self._path.open("wb", buffering=0)
            self._size = 0
        self._file.write(content[-self._limit :])
        self._size += len(content)
