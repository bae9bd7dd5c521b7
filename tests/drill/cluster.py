"""The whole of Mist as processes: three Kafka nodes, gateways, schedulers, hosts; what ends is started again."""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from drill import processes
from drill.jobs import RUNS
from mist_eventlog.address import KafkaAddress
from mist_eventlog.topics import load_topics
from mist_eventlog.topics.apply import apply
from mist_tools.local_kafka import LocalKafka
from support.stack import Service, Stack

NODES, GATEWAYS, SCHEDULERS, HOSTS = 3, 2, 2, 2
ENTRIES = Path(__file__).with_name("drill.yaml")
POLL_SECONDS = 0.05


class Cluster:
    """`mark` stands in the environment of every process that the drill causes. `held` are left down when they end."""

    def __init__(self, folder: Path, mark: str) -> None:
        self.mark = mark
        self.runs = folder / "runs"
        self.runs.mkdir(parents=True)
        self.kafka = LocalKafka(folder / "kafka", nodes=NODES, port=0)
        self.ended_by_themselves: Counter[str] = Counter()
        self._folder = folder
        self._held: set[str] = set()
        self._frozen: set[int] = set()
        self._killed: set[int] = set()
        self._stack: Stack | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything up; at the end everything down, the frozen too."""
        os.environ[processes.MARK] = self.mark
        try:
            await asyncio.to_thread(self._start)
            async with asyncio.TaskGroup() as group:
                supervising = group.create_task(self._supervise())
                yield
                supervising.cancel()
        finally:
            await asyncio.to_thread(self._stop)
            del os.environ[processes.MARK]

    @property
    def bootstrap(self) -> str:
        return self.kafka.bootstrap

    @property
    def gateways(self) -> list[str]:
        return [self.stack.url_of(index) for index in range(GATEWAYS)]

    @property
    def stack(self) -> Stack:
        assert self._stack is not None, "the cluster was not started"
        return self._stack

    def service(self, name: str) -> Service:
        return self.stack.services[name]

    def kill(self, name: str, *, hold: bool = False) -> int:
        """`kill -9`; it is brought back at once unless `hold`. The process it was."""
        service = self.service(name)
        pid = service.pid
        if hold:
            self._held.add(name)
        self._killed.add(pid)
        processes.kill(pid)
        return pid

    def release(self, name: str) -> None:
        self._held.discard(name)

    def freeze(self, pids: list[int]) -> None:
        self._frozen.update(pids)
        for pid in pids:
            processes.freeze(pid)

    def thaw(self, pids: list[int]) -> None:
        for pid in pids:
            processes.thaw(pid)
        self._frozen.difference_update(pids)

    def active_scheduler(self, scheduler_id: str) -> str | None:
        """Find the process of the scheduler with that id, by its own log."""
        for name, service in self.stack.services.items():
            if name.startswith("scheduler") and scheduler_id in service.log.read_text(errors="replace"):
                return name
        return None

    async def _supervise(self) -> None:
        while True:
            for name, service in self.stack.services.items():
                if service.process is not None and service.process.poll() is not None and name not in self._held:
                    if service.pid not in self._killed:
                        self.ended_by_themselves[name] += 1
                    service.start()
            await asyncio.sleep(POLL_SECONDS)

    def _start(self) -> None:
        self.kafka.start()
        topics = KafkaAddress(bootstrap=self.bootstrap)
        apply(topics, load_topics(), replication=NODES, wait=30.0)
        environment = {RUNS: str(self.runs), "MIST_REPLICATION": str(NODES)}
        self._stack = Stack(self.bootstrap, self._folder, GATEWAYS, SCHEDULERS, HOSTS, environment)
        self._stack.start()
        self._stack.load(ENTRIES)

    def _stop(self) -> None:
        self.thaw(list(self._frozen))
        try:
            if self._stack is not None:
                self._stack.stop()
        finally:
            self.kafka.stop()


def leftovers(mark: str, limit: float = 10.0) -> list[str]:
    """Processes of the drill that still live after `limit` seconds; they are then killed."""
    until = time.monotonic() + limit
    while (left := list(processes.carrying(mark))) and time.monotonic() < until:
        time.sleep(0.1)
    told = [f"process {pid} lives on: {processes.command(pid)}" for pid in left]
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            processes.kill(pid)
    return told
