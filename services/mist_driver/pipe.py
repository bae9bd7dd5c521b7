"""The driver's end of the pipe to its host, one Unix socket. Nothing but messages of the protocol is written there."""

import os
import socket
import threading
from collections.abc import Iterator

from mist_driver.lifeline import end_group
from mist_driver.protocol import TO_DRIVER, ToDriver, ToHost, decode, encode


class HostPipe:
    """Any thread may send. A send blocks while the host's end is full."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)  # noqa: FBT003 (the parameter has no name)
        os.register_at_fork(after_in_child=self._close)
        self._socket = socket.socket(fileno=fd)
        self._lock = threading.Lock()

    def messages(self) -> Iterator[ToDriver]:
        """The host's messages until its end is closed, as by its death. Raises `ProtocolError`."""
        with self._socket.makefile("rb") as incoming:
            for line in incoming:
                yield decode(line, TO_DRIVER)

    def send(self, message: ToHost) -> None:
        """Send one message; without a host this process group ends."""
        line = encode(message)
        with self._lock:
            try:
                self._socket.sendall(line)
            except OSError:
                end_group()

    def _close(self) -> None:
        """A child that a job forks must not keep the pipe open when this process dies."""
        fd = self._socket.detach()  # `close` would wait for the reader
        if fd >= 0:
            os.close(fd)
