"""The host's end of the socket to one driver: whole lines in, bytes out, never blocking the loop."""

import asyncio
import socket
from collections.abc import Callable

LONGEST_LINE = 16_000_000
_CHUNK = 1 << 18


class DriverPipe:
    """`heard` gets the lines that have come, without their ends. A closed or broken socket is silent: death is told
    by the process, not by its pipe.
    """

    def __init__(self, own_end: socket.socket, heard: Callable[[list[bytes]], None]) -> None:
        own_end.setblocking(False)  # noqa: FBT003 - the socket API has it so
        self._socket = own_end
        self._loop = asyncio.get_running_loop()
        self._heard = heard
        self._begun: list[bytes] = []
        self._begun_bytes = 0
        self._unsent = bytearray()
        self._open = True
        self._loop.add_reader(self._socket, self._read)

    def send(self, lines: bytes) -> None:
        waits = bool(self._unsent)
        self._unsent += lines
        if self._open and not waits:
            self._write()

    def pause(self) -> None:
        """Let the driver wait: what it sends stays in the socket."""
        if self._open:
            self._loop.remove_reader(self._socket)

    def resume(self) -> None:
        if self._open:
            self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Hear what was sent before the end, then close."""
        while self._open and self._read():
            pass
        self._shut()
        self._socket.close()

    def _read(self) -> bool:
        """Whether there may be more."""
        try:
            content = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            content = b""
        if not content:
            self._shut()
            return False
        self._take(content)
        return True

    def _take(self, content: bytes) -> None:
        end = content.rfind(b"\n")
        if end < 0:
            self._begin(content)
            return
        lines = b"".join([*self._begun, content[:end]]).split(b"\n")
        self._begun, self._begun_bytes = [], 0
        if end + 1 < len(content):
            self._begin(content[end + 1 :])
        self._heard(lines)

    def _begin(self, content: bytes) -> None:
        self._begun.append(content)
        self._begun_bytes += len(content)
        if self._begun_bytes > LONGEST_LINE:
            self._begun, self._begun_bytes = [], 0

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._shut()
            return
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._socket, self._write)
        else:
            self._loop.remove_writer(self._socket)

    def _shut(self) -> None:
        self._open = False
        self._unsent.clear()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
