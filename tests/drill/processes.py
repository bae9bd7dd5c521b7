"""Processes as the kernel tells of them: by mark in their environment, by parent, by session. Signals to them."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

MARK = "MIST_DRILL"
DRIVER = "mist_driver"


def carrying(mark: str) -> Iterator[int]:
    """The living processes whose environment has the drill's mark, apart from this one."""
    wanted = f"{MARK}={mark}".encode()
    for pid in _all():
        if pid != os.getpid() and wanted in _read(pid, "environ").split(b"\0"):
            yield pid


def drivers_of(host: int) -> list[int]:
    """The driver processes of a worker host."""
    return [pid for pid in _all() if _stat(pid, 1) == host and DRIVER in command(pid)]


def session_of(leader: int) -> list[int]:
    """A driver, its JVM and all else it has started."""
    return [pid for pid in _all() if _stat(pid, 3) == leader and lives(pid)]


def lives(pid: int) -> bool:
    return _fields(pid)[:1] not in ([], ["Z"])


def command(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()[:200]


def is_java(pid: int) -> bool:
    return command(pid).split(" ", 1)[0].endswith("java")


def resident_kb(pid: int) -> int:
    return int(_read(pid, "status").split(b"VmRSS:")[1].split()[0])


def kill(pid: int) -> None:
    _signal(pid, signal.SIGKILL)


def freeze(pid: int) -> None:
    _signal(pid, signal.SIGSTOP)


def thaw(pid: int) -> None:
    _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _all() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _stat(pid: int, field: int) -> int:
    """Field 1 is the parent, 3 the session."""
    fields = _fields(pid)
    return int(fields[field]) if len(fields) > field else 0


def _fields(pid: int) -> list[str]:
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


class Cores:
    """Idleness of the machine, from one question to the next."""

    def __init__(self) -> None:
        self._idle, self._all = _jiffies()

    def idle(self) -> float:
        """The share of all cores' time that nobody used since the last question, 0 to 1."""
        before, total = self._idle, self._all
        self._idle, self._all = _jiffies()
        return (self._idle - before) / max(1, self._all - total)


def _jiffies() -> tuple[int, int]:
    times = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return times[3] + times[4], sum(times)
