"""The host's end of the pipe to one driver: whole lines in, messages out, never blocking the loop."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from mist_driver.protocol import LONGEST_LINE, ToDriver, encode

_CHUNK = 1 << 18


class DriverPipe:
    """`received` gets the lines that have arrived, without their ends; of a line that is too long comes its beginning.

    A closed or broken socket is no error: the process tells of its death, not its pipe.
    """

    def __init__(self, own_end: socket.socket, received: Callable[[list[bytes]], None]) -> None:
        own_end.setblocking(False)  # noqa: FBT003 - the socket API has it so
        self._socket = own_end
        self._loop = asyncio.get_running_loop()
        self._received = received
        self._partial: list[bytes] = []
        self._partial_bytes = 0
        self._unsent = bytearray()
        self._open = True
        self._loop.add_reader(self._socket, self._read)

    def send(self, message: ToDriver) -> None:
        waits = bool(self._unsent)
        self._unsent += encode(message)
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
        """Receive what was sent before the end, then close."""
        while self._open and self._read():
            pass
        self._shut()
        self._socket.close()

    def _read(self) -> bool:
        """True when there may be more."""
        try:
            content = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            content = b""
        if not content:
            self._shut()
            return False
        self._split(content)
        return True

    def _split(self, content: bytes) -> None:
        end = content.rfind(b"\n")
        if end < 0:
            self._keep_partial(content)
            return
        lines = b"".join([*self._partial, content[:end]]).split(b"\n")
        self._partial, self._partial_bytes = [], 0
        if end + 1 < len(content):
            self._keep_partial(content[end + 1 :])
        self._received(lines)

    def _keep_partial(self, content: bytes) -> None:
        self._partial.append(content)
        self._partial_bytes += len(content)
        if self._partial_bytes > LONGEST_LINE:
            partial, self._partial, self._partial_bytes = self._partial, [], 0
            self._received([b"".join(partial)])

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


class Pausable(Protocol):
    """A source of lines: a driver's pipe, or a test's."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class LogFlow:
    """Back-pressure for job logs: a driver whose lines come faster than Kafka accepts them waits; nothing is dropped.

    About `limit` bytes of lines at most are in flight. A pipe that adds more is paused until half have arrived.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._in_flight = 0
        self._paused: list[Pausable] = []

    def sent(self, size: int, pipe: Pausable) -> Callable[[object], None]:
        """Count `size` bytes of lines as in flight. Returns the callback for their arrival."""
        self._in_flight += size
        if self._in_flight > self._limit and pipe not in self._paused:
            self._paused.append(pipe)
            pipe.pause()
        return lambda _: self._arrived(size)

    def _arrived(self, size: int) -> None:
        self._in_flight -= size
        if self._in_flight <= self._limit // 2:
            paused, self._paused = self._paused, []
            for pipe in paused:
                pipe.resume()
