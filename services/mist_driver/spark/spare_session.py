"""One session made ahead, so that a job does not wait for its own: two milliseconds when the JVM is cold."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SpareSession:
    """`make` makes a session; it is called in a thread of its own, and by `take` when none is ready. Any thread takes."""

    def __init__(self, make: Callable[[], "SparkSession"]) -> None:
        self._make = make
        self._ready: SimpleQueue[SparkSession] = SimpleQueue()
        self._wanted = threading.Semaphore(1)
        threading.Thread(target=self._keep_one, name="spare-session", daemon=True).start()

    def take(self) -> "SparkSession":
        """A session that nobody else has. Raises what `make` raises."""
        try:
            session = self._ready.get_nowait()
        except Empty:
            return self._make()
        self._wanted.release()
        return session

    def _keep_one(self) -> None:
        while self._wanted.acquire():
            try:
                self._ready.put(self._make())
            except Exception:  # noqa: BLE001 (the thread ends; whoever takes a session meets the error itself)
                return
