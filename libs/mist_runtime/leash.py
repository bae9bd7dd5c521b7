"""Child processes that end with this one, however it ends: killed, crashed or frozen and then killed.

A shell in the child's process group waits for our end of a pipe to close, which the kernel does in every kind of
death, and kills the group. Unlike a death signal it is not tied to the thread that started the child.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_LEASHED = """
exec 3<&0 </dev/null
{ trap '' HUP INT TERM; read -r _; kill -KILL 0; } <&3 &
exec "$@" 3<&-
"""


class Leashed:
    """A running program, leader of its own session and process group."""

    def __init__(
        self, command: Sequence[str | Path], *, output: IO[bytes], environment: Mapping[str, str] | None = None
    ) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _LEASHED, "leash", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """`None` while it runs; negative when a signal ended it."""
        code = self._process.poll()
        if code is not None:
            self._clear_up()
        return code

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """The exit code, or `subprocess.TimeoutExpired`."""
        code = self._process.wait(seconds)
        self._clear_up()
        return code

    def ask_to_stop(self) -> None:
        """SIGTERM, to a frozen process too."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)

    def stop(self, seconds: float) -> int:
        """Ask it to end, and kill its group when `seconds` were not enough. The exit code."""
        self.ask_to_stop()
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """`kill -9` of the whole group. The exit code."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        return self.wait(10.0)

    def _clear_up(self) -> None:
        """Let the shell that watches us go, and with it what the program left in its group."""
        if self._process.stdin:
            self._process.stdin.close()
