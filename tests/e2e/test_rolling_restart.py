"""Everything is restarted, one after the other, while clients start jobs: nothing is refused and nothing is lost."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from mist.client import Mist
from mist.client.calls import Start
from support.brokers import broker
from support.paths import TESTS
from support.stack import Stack, wait_until

ENTRIES = TESTS / "e2e/mist.yaml"
HOW = Start(context="bench")


class Load:
    """Starts jobs one after the other, as a client with both gateways' addresses does."""

    def __init__(self, *urls: str) -> None:
        self.started: list[str] = []
        self.refused: list[str] = []
        self._urls = urls
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def more(self, count: int) -> None:
        """Wait until so many more were started."""
        wanted = len(self.started) + count
        wait_until(f"{wanted} jobs were started", lambda: len(self.started) >= wanted or self.refused, 60)

    def _run(self) -> None:
        with Mist(*self._urls, patience=20) as mist:
            while not self._stop.is_set():
                try:
                    self.started.append(mist.start("noop", {}, HOW))
                except Exception as error:  # noqa: BLE001 (the test says what it was)
                    self.refused.append(repr(error))
                self._stop.wait(0.02)


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: the schedulers of another Mist over the same log would decide, too."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap


def test_a_rolling_restart_of_everything_refuses_and_loses_nothing(kafka: str, tmp_path: Path) -> None:
    stack = Stack(kafka, tmp_path, gateways=2, schedulers=2, hosts=2)
    with stack:
        stack.load(ENTRIES)
        with Load(stack.url_of(0), stack.url_of(1)) as load:
            load.more(20)
            for name in list(stack.services):
                stack.services[name].end()
                load.more(10)
                stack.services[name].start()
                stack.wait_ready()
            load.more(20)
        assert load.refused == []
        with Mist(stack.url) as mist:
            ends = [mist.wait(job_id, timeout=60)["status"] for job_id in load.started]
    assert set(ends) == {"finished"}
    assert len(set(load.started)) == len(load.started) > 100
