"""The name by which a scheduler is known again in its group when it comes back: it need not be missed first.

It belongs to the state folder. Who finds the folder in use, or cannot write there, is a member without a name.
"""

import fcntl
import uuid
from pathlib import Path
from typing import TextIO

import structlog

log = structlog.get_logger("mist.scheduler")


class MemberName:
    """Held as long as this process lives. `name` is `None` where no folder could be had."""

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
    """The name in the file; a new one is written there when it has none."""
    held.seek(0)
    name = held.read().strip()
    if not name:
        name = f"scheduler-{uuid.uuid4()}"
        held.write(name)
        held.flush()
    return name
