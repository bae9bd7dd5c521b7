"""A real driver process at the other end of a socket, as a worker host would hold it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mist_driver import protocol
from support.paths import JOBS

CONF = {"spark.master": "local[2]", "spark.ui.enabled": "false", "spark.driver.memory": "512m"}
ENDS = {"finished", "failed", "canceled"}
Line = dict[str, Any]


def eventually(what: str, holds: Callable[[], Any], limit: float = 20.0) -> Any:
    """Wait until `holds()` is true; fail after `limit` seconds, saying what was waited for."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {limit} s")


def is_alive(pid: int) -> bool:
    return _read(pid, "stat").rpartition(")")[2].split()[:1] not in ([], ["Z"])


def _all_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class DriverProcess:
    """Starts a driver; `start`, `cancel` and the like send messages of the protocol; a thread collects the answers as parsed JSON."""

    def __init__(self, folder: Path, *, lease: float = 600.0, conf: dict[str, Any] | None = None, **init: Any) -> None:
        self.lines: list[Line] = []
        self.output = folder / "driver.out"
        self._attempts = 0
        self._socket, theirs = socket.socketpair()
        with theirs, self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mist_driver", "--fd", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                cwd=folder, env=os.environ | {"TMPDIR": str(folder)},
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        defaults = {"worker_id": "test", "threads": 8, "result_limit": 1_000_000, "cancel_grace": 3.0, "sql_rows": 5,
                    "warm": False}  # fmt: skip
        settings: dict[str, Any] = defaults | init | {"spark_conf": CONF | (conf or {})}
        self.send(protocol.Init(**settings, lease_until=time.monotonic() + lease))

    def _read(self) -> None:
        with self._socket.makefile("rb") as incoming:
            for line in incoming:
                protocol.decode(line, protocol.TO_HOST)
                self.lines.append(json.loads(line))

    def send(self, message: protocol.ToDriver) -> None:
        self._socket.sendall(protocol.encode(message))

    def hang_up(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def ready(self) -> Line:
        found: Line = eventually("the driver is ready", lambda: self.first("ready", "unusable"), 60)
        return found

    def first(self, *kinds: str) -> Line | None:
        return next((line for line in self.lines if line["type"] in kinds), None)

    def start(self, job: str, folder: Path = JOBS, **parameters: Any) -> str:
        """`file.function`, or the path of an archive, a colon and the job in it."""
        self._attempts += 1
        job_id = f"job-{self._attempts}"
        file, _, name = job.partition(":") if ":" in job else job.rpartition(".")
        path = file if ":" in job else str(folder / f"{file}.py")
        arguments = json.dumps(parameters)
        self.send(protocol.StartRun(job_id=job_id, attempt=1, path=path, class_name=name, arguments=arguments))
        return job_id

    def cancel(self, job_id: str, attempt: int = 1) -> None:
        self.send(protocol.CancelRun(job_id=job_id, attempt=attempt))

    def of(self, job_id: str, *kinds: str) -> list[Line]:
        return [line for line in list(self.lines) if line.get("job_id") == job_id and line["type"] in kinds]

    def end(self, job_id: str, limit: float = 30.0) -> Line:
        ends: list[Line] = eventually(f"{job_id} ends", lambda: self.of(job_id, *ENDS), limit)
        return ends[0]

    def result(self, job: str, folder: Path = JOBS, **parameters: Any) -> Any:
        """Run a job to its end, which must be a good one."""
        end = self.end(self.start(job, folder, **parameters))
        assert end["type"] == "finished", end
        return json.loads(end["result"])

    def failure(self, job: str, **parameters: Any) -> Line:
        end = self.end(self.start(job, **parameters))
        assert end["type"] == "failed", end
        return end

    def log(self, job_id: str) -> list[tuple[str, str]]:
        return [(line["level"], line["text"]) for batch in self.of(job_id, "log") for line in batch["lines"]]

    def has_hung_up(self) -> bool:
        """True when its end of the pipe is closed, also in every child it had."""
        return not self._reader.is_alive()

    def processes(self) -> list[int]:
        """All of the driver's session that live: JVM, Python workers, what jobs started."""
        return [pid for pid in _all_processes() if self._owns(pid) and is_alive(pid)]

    def names(self) -> list[str]:
        """Their commands."""
        return [_read(pid, "cmdline").partition("\0")[0] for pid in self.processes()]

    def _owns(self, pid: int) -> bool:
        fields = _read(pid, "stat").rpartition(")")[2].split()
        return len(fields) > 3 and int(fields[3]) == self.process.pid

    def close(self) -> None:
        """End it, whatever state it is in, and all it has started."""
        self.process.kill()
        self.process.wait()
        eventually("all of the driver's processes end", lambda: not self.processes())
        self._socket.close()
