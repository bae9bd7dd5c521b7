"""One driver process: started in a session of its own, spoken to over a socket, ended with all it has started."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mist_worker_host.drivers.output import Printed
from mist_worker_host.drivers.pipe import DriverPipe

MARK = "MIST_WORKER"
"""The environment variable `<host id>/<worker>` that a driver gives on to its JVM, Python workers and subprocesses."""

_LIMIT = 10.0
_PAUSE = 0.01


def mark_of(host_id: str, worker: int | None = None) -> str:
    """The mark of one worker; without `worker` what the marks of all workers of the host begin with."""
    return f"{host_id}/{'' if worker is None else f'{worker}.'}"


def kill_group(pid: int) -> None:
    """SIGKILL to the process group that `pid` leads, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def kill_marked(mark: str) -> int:
    """SIGKILL to every process whose mark begins so, until none is left; how many there were. Blocks meanwhile."""
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
    """The living processes whose mark begins so; this one never counts."""
    wanted = f"\0{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in b"\0" + (folder / "environ").read_bytes():
                    yield int(folder.name)


_CHUNK = 1 << 16
_OWN_WORDS = "The driver"


class DriverProcess:
    """`heard` gets the lines it says, `exited` is called once it is dead and everything it said was heard."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        printed: Printed,
        heard: Callable[[list[bytes]], None],
        exited: Callable[[], None],
    ) -> None:
        self._printed = printed
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
        self.pipe = DriverPipe(own_end, heard)
        os.set_blocking(self._output, False)
        self._loop.add_reader(self._output, self._read_output)
        self._death = os.pidfd_open(self.pid)
        self._loop.add_reader(self._death, self._died)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL to the whole group, unless it is dead already."""
        if self._process.returncode is None:
            kill_group(self.pid)

    def last_lines(self) -> tuple[str, ...]:
        self._read_output()
        return self._printed.last()

    def reason(self) -> str:
        """How it died: in its own last words if it had any, else by exit code or signal."""
        code = self._process.returncode or 0
        if code < 0:
            return f"signal {-code} ({signal.Signals(-code).name})"
        own = next((line for line in reversed(self._printed.last()) if line.startswith(_OWN_WORDS)), None)
        return own or f"exit code {code}"

    def _died(self) -> None:
        """Reap it, hear what it said last, and let nothing of its group live on."""
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
        """All there is; the pipe itself may outlive the driver in a process it has started."""
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
