"""JSON lines to and from the host, over one Unix socket. Nothing else is ever written there."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from mist_driver.lifeline import end_group

Line = dict[str, Any]


class HostPipe:
    """Any thread may send. The host must keep reading: a send waits while its end is full."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)  # noqa: FBT003 (has no name)
        os.register_at_fork(after_in_child=self._close)
        self._socket = socket.socket(fileno=fd)
        self._lock = threading.Lock()

    def lines(self) -> Iterator[Line]:
        """What the host says, to the end of the pipe: then the host is dead."""
        with self._socket.makefile("rb") as incoming:
            for line in incoming:
                yield json.loads(line)

    def send(self, **line: Any) -> None:
        encoded = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                self._socket.sendall(encoded)
            except OSError:
                end_group()

    def _close(self) -> None:
        """A child that a job forks must not keep the pipe open when this process dies."""
        fd = self._socket.detach()  # `close` would wait for the reader
        if fd >= 0:
            os.close(fd)
