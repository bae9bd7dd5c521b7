"""Reading a Procfile: one process a line, `name: command`."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from mist_tools.run.errors import CannotRunError

Command = tuple[str, ...]


def read_procfile(path: Path) -> Mapping[str, Command]:
    """The commands by name, in their order."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise CannotRunError(f"{path} cannot be read: {error.strerror}") from error
    entries = [line.partition(":") for line in lines if line.strip() and not line.startswith("#")]
    return {name.strip(): tuple(shlex.split(command)) for name, _, command in entries}
