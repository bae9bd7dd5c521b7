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
        """The exit code: `None` while the program runs, negative when a signal ended it."""
        code = self._process.poll()
        if code is not None:
            self._clear_up()
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone, not to its group."""
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Wait for the exit code. Raises `subprocess.TimeoutExpired` after `seconds`."""
        code = self._process.wait(seconds)
        self._clear_up()
        return code

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and SIGCONT so that a frozen process gets it, too."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)

    def stop(self, seconds: float) -> int:
        """Ask the program to end, and kill its group after `seconds`; the exit code."""
        self.ask_to_stop()
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Kill the whole group with SIGKILL; the exit code."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        return self.wait(10.0)

    def _clear_up(self) -> None:
        """End the shell that watches us, which kills whatever the program left in its group."""
        if self._process.stdin:
            self._process.stdin.close()
