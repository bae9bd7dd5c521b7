"""One driver process: started in a session of its own, connected by a socket, killed with all that it has started."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mist_worker_host.drivers.pipe import DriverPipe

MARK = "MIST_WORKER"
"""Environment variable that a driver passes on to its JVM, Python workers and subprocesses: `<host id>/<worker>.`"""

_LIMIT = 10.0
_PAUSE = 0.01


def mark_of(host_id: str, worker: int | None = None) -> str:
    """The mark of one worker; without `worker`, the common beginning of the marks of all workers of the host."""
    return f"{host_id}/{'' if worker is None else f'{worker}.'}"


def kill_group(pid: int) -> None:
    """Kill the process group that `pid` leads, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def kill_marked(mark: str) -> int:
    """Kill every process whose mark begins so, until none remains or 10 s have passed. Returns their number; blocks."""
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
    """The living processes whose mark begins so, without this one."""
    wanted = f"\0{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in b"\0" + (folder / "environ").read_bytes():
                    yield int(folder.name)


_CHUNK = 1 << 16
_OWN_WORDS = "The driver"
_LONGEST_OUTPUT_LINE = 2_000


class DriverOutput:
    """The output of a driver that belongs to no job: its last lines in memory, all of it in a file of bounded size.

    `path` holds at most `limit` bytes; older output is in a second file beside it.
    """

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
        self._lines.extend(line[:_LONGEST_OUTPUT_LINE] for line in lines)
        self._unfinished = rest[:_LONGEST_OUTPUT_LINE]

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


class DriverProcess:
    """`received` gets the lines it sends. `exited` is called once it is dead and all that it sent was received."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        output: DriverOutput,
        received: Callable[[list[bytes]], None],
        exited: Callable[[], None],
    ) -> None:
        self._printed = output
        self._exited = exited
        self._loop = asyncio.get_running_loop()
        self._output, theirs = os.pipe()
        own_end, driver_end = socket.socketpair()
        try:
            with driver_end:
                self._process = _spawn(driver_end.fileno(), theirs, environment, folder)
        except BaseException:
            own_end.close()
            os.close(self._output)
            raise
        finally:
            os.close(theirs)
        self.pipe = DriverPipe(own_end, received)
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self._read_output)
        self._death = os.pidfd_open(self.pid)
        self._loop.add_reader(self._death, self._died)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """Kill the whole group, unless the driver is dead already."""
        if self._process.returncode is None:
            kill_group(self.pid)

    def last_lines(self) -> tuple[str, ...]:
        self._read_output()
        return self._printed.last()

    def reason(self) -> str:
        """The reason of its death: its own last line if it left with one, else the exit code or signal."""
        code = self._process.returncode or 0
        if code < 0:
            return f"signal {-code} ({signal.Signals(-code).name})"
        own = next((line for line in reversed(self._printed.last()) if line.startswith(_OWN_WORDS)), None)
        return own or f"exit code {code}"

    def _died(self) -> None:
        """Reap it, receive its last messages and output, and kill the rest of its group."""
        self._loop.remove_reader(self._death)
        os.close(self._death)
        kill_group(self.pid)
        self._process.wait()
        self.pipe.close()
        self._read_output()
        self._loop.remove_reader(self._output)
        os.close(self._output)
        self._printed.close()
        self._exited()

    def _read_output(self) -> None:
        """Read all output so far. The pipe may outlive the driver, in a process that it has started."""
        with contextlib.suppress(OSError):
            while content := os.read(self._output, _CHUNK):
                self._printed.feed(content)
                if len(content) < _CHUNK:
                    return
            self._loop.remove_reader(self._output)


def _spawn(fd: int, output: int, environment: Mapping[str, str], folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "mist_driver", "--fd", str(fd)],
        pass_fds=[fd],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        cwd=folder,
        start_new_session=True,
    )
