"""The host's folder on disk: a lock, its id for its successor, fetched artifacts, its drivers' files and output."""

import fcntl
import shutil
import time
from pathlib import Path
from typing import TextIO

from mist_worker_host.drivers.process import kill_marked, mark_of

_KEPT_LOGS = 20
_KEPT_ARTIFACT_SECONDS = 30 * 24 * 3600.0


class FolderTakenError(Exception):
    """Another host uses this folder; the text names the folder."""


class StateFolder:
    """Locked as long as this process lives. `predecessor` is the id of a host that died without releasing the folder."""

    def __init__(self, folder: Path) -> None:
        """Lock the folder, and kill all that a predecessor left running. Raises `FolderTakenError` or `OSError`."""
        self.path = folder.absolute()
        self.artifacts = self.path / "artifacts"
        self._scratch = self.path / "scratch"
        self._logs = self.path / "drivers"
        for needed in (self.artifacts, self._scratch, self._logs):
            needed.mkdir(parents=True, exist_ok=True)
        self._lock = self._take_lock()
        self._host_file = self.path / "host-id"
        self.predecessor = self._end_predecessor()
        self._clear_up()

    def claim(self, host_id: str) -> None:
        """Note the host's id, by which a successor finds the processes to kill."""
        self._host_file.write_text(host_id)

    def release(self) -> None:
        """Leave the folder in order: a successor has nothing to kill."""
        self._host_file.unlink(missing_ok=True)
        self._lock.close()

    def scratch(self, worker: int) -> Path:
        """An empty folder for one driver's own files."""
        folder = self._scratch / str(worker)
        folder.mkdir(exist_ok=True)
        return folder

    def driver_log(self, worker: int, worker_id: str) -> Path:
        """The file for one driver's output. Of old ones the newest 20 are kept."""
        logs = sorted(self._logs.glob("*.log"), key=lambda log: log.stat().st_mtime)
        for log in logs[:-_KEPT_LOGS]:
            log.unlink(missing_ok=True)
        return self._logs / f"{time.strftime('%Y%m%dT%H%M%S')}-{worker}-{worker_id[:100]}.log"

    def _take_lock(self) -> TextIO:
        lock = (self.path / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise FolderTakenError(
                f"another worker host works on {self.path}: give each host a state folder of its own (MIST_STATE)"
            ) from None
        return lock

    def _end_predecessor(self) -> str | None:
        try:
            host_id = self._host_file.read_text().strip()
        except FileNotFoundError:
            return None
        if not host_id:
            return None
        kill_marked(mark_of(host_id))
        return host_id

    def _clear_up(self) -> None:
        for folder in self._scratch.iterdir():
            shutil.rmtree(folder, ignore_errors=True)
        oldest = time.time() - _KEPT_ARTIFACT_SECONDS
        for artifact in self.artifacts.iterdir():
            if artifact.stat().st_mtime < oldest:
                shutil.rmtree(artifact, ignore_errors=True)
