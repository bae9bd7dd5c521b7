"""Faults in rounds: each kind in its turn, timed; then a storm of them, one upon the other."""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from drill.clients import Clients
from drill.cluster import Cluster
from drill.evidence import Evidence, Recovery
from drill.faults import Faults
from drill.nodes import BrokerFaults
from drill.processes import Cores
from drill.watch import Watch

KINDS = (
    "gateway", "scheduler", "standby", "frozen-scheduler", "host", "driver", "java", "frozen-host", "frozen-machine",
    "broker", "leaders",
)  # fmt: skip
CALM_SECONDS, CALM_JOBS, CALM_IDLE = 25.0, 60, 0.3
Fault = Callable[[], Coroutine[Any, Any, None]]


class Rounds:
    """`kinds`: those to choose from, comma-separated; all when empty. `now` says what is being done.

    `timed`: how long a recovery takes is being measured, so that there is to be little load.
    """

    def __init__(
        self,
        cluster: Cluster,
        clients: Clients,
        watch: Watch,
        seen: Evidence,
        backlog: Callable[[], int],
        kinds: str,
    ) -> None:
        self.now = "nothing yet"
        self.timed = True
        self._seen = seen
        self._watch = watch
        self._backlog = backlog
        chosen = [kind for kind in kinds.split(",") if kind] or KINDS
        self._timed, self._untimed = (
            _faults(chosen, Faults(cluster, clients, watch, seen, noted), BrokerFaults(cluster, noted))
            for noted in (seen.recoveries, list[Recovery]())
        )

    async def run(self, loading: asyncio.Task[None]) -> None:
        """One round of either sort, for as long as there is load."""
        self.timed = True
        await self._calm()
        await self._one_by_one(self._timed, loading)
        self.timed = False
        await self._storm(self._untimed, loading)

    async def _one_by_one(self, faults: dict[str, Fault], loading: asyncio.Task[None]) -> None:
        """The next fault comes when all that waited for the last one is done."""
        for kind in _shuffled(faults):
            if loading.done():
                return
            self.now = kind
            await faults[kind]()
            self.now += ", recovered"
            await self._calm()

    async def _storm(self, faults: dict[str, Fault], loading: asyncio.Task[None]) -> None:
        """A fault every few seconds, whatever became of the others."""
        self.now = "storm"
        async with asyncio.TaskGroup() as group:
            for kind in _shuffled(faults):
                if loading.done():
                    return
                group.create_task(faults[kind]())
                self._seen.stormy += 1
                await asyncio.sleep(random.uniform(1.0, 5.0))
        await self._calm()

    async def _calm(self) -> None:
        """Wait until what piled up is worked off, no driver starts and the cores have time left, a while at most."""
        until, cores = time.monotonic() + CALM_SECONDS, Cores()
        while time.monotonic() < until:
            await asyncio.sleep(0.5)
            if cores.idle() >= CALM_IDLE and self._is_calm():
                break
        await asyncio.sleep(random.uniform(0.5, 2.0))

    def _is_calm(self) -> bool:
        return self._backlog() <= CALM_JOBS and not self._watch.is_starting()


def _shuffled(faults: dict[str, Fault]) -> list[str]:
    return random.sample(list(faults), len(faults))


def _faults(chosen: Sequence[str], faults: Faults, brokers: BrokerFaults) -> dict[str, Fault]:
    every: dict[str, Fault] = dict(zip(KINDS, (
        faults.kill_gateway, faults.kill_scheduler, faults.lose_scheduler, faults.freeze_scheduler,
        faults.kill_host, faults.kill_driver, faults.kill_java, faults.freeze_host, faults.freeze_machine,
        brokers.kill_broker, brokers.bounce_leaders,
    ), strict=True))  # fmt: skip
    return {kind: every[kind] for kind in chosen}
