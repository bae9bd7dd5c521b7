"""Warnings of the services, shown in the terminal; all else stays in their log files."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

SHOWN_AT_ONCE = 3
_WARNING = re.compile(r"\[(?:warning|error|critical)\s*\]\s*(.*?)\s*(?:service=\S+)?$")


@dataclass
class Warnings:
    """Reads on in each log file where it stopped. Silent until `begin`: services that start wait for each other."""

    logs: Iterable[Path]
    say: Callable[[str], None]
    _read: dict[Path, int] = field(default_factory=dict, init=False)
    _begun: bool = field(default=False, init=False)

    def begin(self) -> None:
        """Skip what is in the files already."""
        self._read = {log: log.stat().st_size for log in self.logs}
        self._begun = True

    def show(self) -> None:
        if not self._begun:
            return
        for log in self.logs:
            warnings = [found[1] for line in self._new_lines(log) if (found := _WARNING.search(line))]
            for warning in warnings[:SHOWN_AT_ONCE]:
                self.say(f"{log.stem}: {warning}")
            if len(warnings) > SHOWN_AT_ONCE:
                self.say(f"{log.stem}: and {len(warnings) - SHOWN_AT_ONCE} more, in {log}")

    def _new_lines(self, log: Path) -> list[str]:
        """The lines that are complete; half a line is read next time."""
        with log.open("rb") as content:
            content.seek(self._read.get(log, 0))
            complete, _, _ = content.read().rpartition(b"\n")
        self._read[log] = self._read.get(log, 0) + len(complete) + bool(complete)
        return complete.decode(errors="replace").splitlines()
