"""Back-pressure for job logs: whose lines come faster than Kafka takes them waits, and nothing is dropped."""

from collections.abc import Callable
from typing import Protocol


class Tap(Protocol):
    """Where lines come from, and how to hold them back."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class LogFlow:
    """At most about `limit` bytes of lines are on their way; a tap that adds more is paused until half have arrived."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way = 0
        self._paused: list[Tap] = []

    def sent(self, size: int, tap: Tap) -> Callable[[object], None]:
        """Lines of `size` bytes have left. To be called when they have arrived: what this gives."""
        self._under_way += size
        if self._under_way > self._limit and tap not in self._paused:
            self._paused.append(tap)
            tap.pause()
        return lambda _: self._arrived(size)

    def _arrived(self, size: int) -> None:
        self._under_way -= size
        if self._under_way <= self._limit // 2:
            paused, self._paused = self._paused, []
            for tap in paused:
                tap.resume()
