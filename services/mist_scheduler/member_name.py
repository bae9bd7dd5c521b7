"""Static member name of a scheduler in its consumer group: one that restarts takes its place back at once.

The name is kept in the state folder. Without a folder of its own, a scheduler is a member without a static name.
"""

import fcntl
import uuid
from pathlib import Path
from typing import TextIO

import structlog

log = structlog.get_logger("mist.scheduler")


class MemberName:
    """Name in the state folder, locked as long as this process lives. `name` is `None` when the folder is not usable."""

    def __init__(self, folder: Path) -> None:
        self.name: str | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._held = _lock(folder / "seat")
            self.name = _read(self._held)
        except OSError as error:
            log.warning("no-seat", folder=str(folder), reason=str(error))


def _lock(file: Path) -> TextIO:
    held = file.open("a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.close()
        raise
    return held


def _read(held: TextIO) -> str:
    """Read the name from the file; write a new one when there is none."""
    held.seek(0)
    name = held.read().strip()
    if not name:
        name = f"scheduler-{uuid.uuid4()}"
        held.write(name)
        held.flush()
    return name
