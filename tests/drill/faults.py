"""Faults of Mist's processes, one at a time, and the time until each is recovered."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from drill import kinds, processes
from drill.clients import Clients
from drill.cluster import GATEWAYS, HOSTS, Cluster
from drill.evidence import Evidence, Recovery
from drill.watch import Held, Watch

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.02
FREEZE_SECONDS = 33.0
"""Longer than the lease of 20 s and than the 25 ticks after which a host is lost."""


class Faults:
    """Each method does one thing and waits for the recovery, whose time it adds to `recoveries`."""

    def __init__(
        self, cluster: Cluster, clients: Clients, watch: Watch, seen: Evidence, recoveries: list[Recovery]
    ) -> None:
        self._cluster = cluster
        self._clients = clients
        self._watch = watch
        self._seen = seen
        self._recoveries = recoveries

    async def kill_gateway(self) -> None:
        index = random.randrange(GATEWAYS)
        began = time.monotonic()
        self._cluster.kill(f"gateway-{index}")
        await self._until(kinds.GATEWAY, began, lambda: self._clients.serves(self._cluster.gateways[index]))

    async def kill_scheduler(self) -> None:
        """The active one, brought back at once."""
        name, active = await self._active(), self._watch.decider
        began, wall = time.monotonic(), time.time()
        self._cluster.kill(name)
        await self._until(kinds.SCHEDULER, began, self._decides_since(wall, active))

    async def lose_scheduler(self) -> None:
        """The active one, which stays away until another decides."""
        name, active = await self._active(), self._watch.decider
        began, wall = time.monotonic(), time.time()
        self._cluster.kill(name, hold=True)
        await self._until(kinds.STANDBY, began, self._decides_since(wall, active))
        self._cluster.release(name)

    async def freeze_scheduler(self) -> None:
        name, active = await self._active(), self._watch.decider
        pid = self._cluster.service(name).pid
        began, wall = time.monotonic(), time.time()
        self._cluster.freeze([pid])
        await self._until(kinds.FROZEN_SCHEDULER, began, self._decides_since(wall, active))
        self._cluster.thaw([pid])

    async def kill_host(self) -> None:
        name = self._any_host()
        host_id, pid = self._watch.hosts[name], self._cluster.service(name).pid
        drivers = [one for driver in processes.drivers_of(pid) for one in processes.session_of(driver)]
        held, began = self._watch.held(host_id), time.monotonic()
        self._cluster.kill(name)
        await self._until(kinds.DRIVERS_GONE, began, _gone(drivers))
        await self._until(None, began, _now(lambda: self._watch.hosts[name] != host_id))
        back = time.monotonic()
        if await self._until(kinds.HOST, began, self._decided(host_id, held)):
            self._recoveries.append(Recovery(kinds.REPLACED, time.monotonic() - back))

    async def kill_driver(self) -> None:
        await self._kill_in_driver(kinds.DRIVER, lambda session, leader: [leader])

    async def kill_java(self) -> None:
        await self._kill_in_driver(
            kinds.JVM, lambda session, leader: [one for one in session if processes.is_java(one)]
        )

    async def freeze_host(self) -> None:
        """The host alone: its drivers live on until their lease ends."""
        name = self._any_host()
        pid = self._cluster.service(name).pid
        drivers = [one for driver in processes.drivers_of(pid) for one in processes.session_of(driver)]
        await self._freeze(kinds.FROZEN_HOST, name, [pid], [(kinds.LEASE, _gone(drivers))])

    async def freeze_machine(self) -> None:
        """The host with all its drivers, as when a virtual machine is paused."""
        name = self._any_host()
        pid = self._cluster.service(name).pid
        drivers = [one for driver in processes.drivers_of(pid) for one in processes.session_of(driver)]
        self._seen.thawed.update(drivers)
        await self._freeze(kinds.FROZEN_MACHINE, name, [pid, *drivers], [])

    # -- inside --------------------------------------------------------------------------------------------------------

    async def _freeze(
        self, what: str, name: str, pids: list[int], more: list[tuple[str, Callable[[], Awaitable[bool]]]]
    ) -> None:
        host_id, began = self._watch.hosts[name], time.monotonic()
        self._cluster.freeze(pids)
        held = self._watch.held(host_id)
        for other, recovered in more:
            await self._until(other, began, recovered)
        await self._until(what, began, self._decided(host_id, held))
        await asyncio.sleep(max(0.0, began + FREEZE_SECONDS - time.monotonic()))
        self._cluster.thaw(pids)

    async def _kill_in_driver(self, what: str, choose: Callable[[list[int], int], list[int]]) -> None:
        name = self._any_host()
        host_id, drivers = self._watch.hosts[name], processes.drivers_of(self._cluster.service(name).pid)
        known = [pid for pid in drivers if pid in self._watch.contexts]
        if not known:
            return
        leader = random.choice(known)
        held, began = self._watch.held(host_id, self._watch.contexts[leader]), time.monotonic()
        for pid in choose(processes.session_of(leader), leader):
            processes.kill(pid)
        await self._until(what, began, self._decided(host_id, held))

    def _any_host(self) -> str:
        """One that has drivers, if any has."""
        names = [f"host-{index}" for index in range(HOSTS)]
        busy = [name for name in names if processes.drivers_of(self._cluster.service(name).pid)]
        return random.choice(busy or names)

    async def _active(self) -> str:
        until = time.monotonic() + PATIENCE_SECONDS
        while (name := self._cluster.active_scheduler(self._watch.decider)) is None:
            if time.monotonic() > until:
                raise TimeoutError("no scheduler is active")
            await asyncio.sleep(POLL_SECONDS)
        return name

    def _decides_since(self, wall: float, other_than: str) -> Callable[[], Awaitable[bool]]:
        return _now(lambda: self._watch.decided_at > wall * 1000 + 1 and self._watch.decider != other_than)

    def _decided(self, host_id: str, attempts: set[Held]) -> Callable[[], Awaitable[bool]]:
        return _now(lambda: not self._watch.undecided(host_id, attempts))

    async def _until(self, what: str | None, began: float, recovered: Callable[[], Awaitable[bool]]) -> bool:
        """Wait, and note how long it took from `began` on."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not (well := await recovered()) and time.monotonic() < until:  # noqa: ASYNC110 - asked of other processes
            await asyncio.sleep(POLL_SECONDS)
        if what is not None:
            self._recoveries.append(Recovery(what, time.monotonic() - began if well else None))
        return well


def _now(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return holds()

    return ask


def _gone(pids: list[int]) -> Callable[[], Awaitable[bool]]:
    return _now(lambda: not any(processes.lives(pid) for pid in pids))
