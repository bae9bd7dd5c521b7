"""Processes that are kept running: one that ends by itself is started again, unless it ends again and again.

They end with this process however it ends, each with its whole process group.
"""

import re
import shlex
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mist_runtime.leash import Leashed
from mist_tools.run.settings import CannotRunError

RESTARTS, WITHIN_SECONDS, PAUSE_SECONDS = 5, 60.0, 0.5
STOP_SECONDS = 20.0
LINES_SHOWN = 5


@dataclass
class Supervised:
    """One process of the Procfile and the file that its output goes to."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    _process: Leashed | None = field(default=None, init=False)
    _ends: deque[float] = field(default_factory=lambda: deque(maxlen=RESTARTS), init=False)
    _due: float = field(default=0.0, init=False)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = Leashed(self.command, output=output, environment=self.environment)

    def revive(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """Start it again a little after it ended. Raises `CannotRunError` when it ends again and again."""
        now = clock()
        if self._process is None:
            if now >= self._due:
                self.start()
        elif (code := self._process.exit_code()) is not None:
            self._note_end(now, code)
            say(f"{self.name} ended with exit code {code} and is started again (its log: {self.log})")

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        if self._process:
            self._process.stop(seconds)
            self._process = None

    def ask_to_stop(self) -> None:
        if self._process:
            self._process.ask_to_stop()

    def _note_end(self, now: float, code: int) -> None:
        self._ends.append(now)
        self._process, self._due = None, now + PAUSE_SECONDS * len(self._ends)
        if len(self._ends) == RESTARTS and now - self._ends[0] < WITHIN_SECONDS:
            raise CannotRunError(
                f"{self.name} ended {RESTARTS} times, last with exit code {code}:\n{self.last_lines()}"
            )

    def last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LINES_SHOWN:]
        return "\n".join(f"  {line}" for line in [*lines, f"(all of it in {self.log})"])


@dataclass
class Supervisor:
    """All processes. The broker comes first and ends last, since the services' last words go to it."""

    broker: Supervised
    services: Sequence[Supervised]
    say: Callable[[str], None]
    _running: list[Supervised] = field(default_factory=list, init=False)

    def start_broker(self) -> None:
        self._start([self.broker])

    def start_services(self) -> None:
        self._start(self.services)

    def revive(self) -> None:
        for process in self._running:
            process.revive(self.say)

    def stop(self) -> None:
        for process in self.services:
            process.ask_to_stop()
        for process in (*self.services, self.broker):
            process.stop()

    def _start(self, processes: Sequence[Supervised]) -> None:
        for process in processes:
            process.start()
            self._running.append(process)


Command = tuple[str, ...]


def read_procfile(path: Path) -> Mapping[str, Command]:
    """The commands by name, in their order."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise CannotRunError(f"{path} cannot be read: {error.strerror}") from error
    entries = [line.partition(":") for line in lines if line.strip() and not line.startswith("#")]
    return {name.strip(): tuple(shlex.split(command)) for name, _, command in entries}


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
