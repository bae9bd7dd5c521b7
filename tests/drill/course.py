"""The course of a drill: load and faults together, then a quiet part in which memory is measured, then the account."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from drill import processes
from drill.clients import Clients
from drill.cluster import Cluster
from drill.evidence import Evidence, read_runs
from drill.orders import Order, draw
from drill.readers import Reader
from drill.rounds import KINDS, Rounds
from drill.rules import FINAL
from drill.watch import Watch
from mist_eventlog.dead_letters import dead_letters

READERS = 3
QUIET_SHARE = 0.2
SECONDS_PER_FAULT, TIMED_PER_SECOND, STORM_PER_SECOND, QUIET_PER_SECOND = 22.0, 20.0, 90.0, 80.0
SETTLE_SECONDS = 150.0
TELL_SECONDS = 5.0


class Course:
    """`kinds`: the kinds of fault to choose from, comma-separated; all of them when empty."""

    def __init__(self, cluster: Cluster, seen: Evidence, jobs: int, seed: int, kinds: str) -> None:
        self._cluster = cluster
        self._seen = seen
        self._orders = list(draw(jobs, seed))
        self._clients = Clients(cluster.gateways, cluster.bootstrap, seen)
        self._watch = Watch(cluster.bootstrap, seen)
        self._readers = [Reader(f"reader-{index}", cluster.gateways, seen) for index in range(READERS)]
        self._rounds = Rounds(cluster, self._clients, self._watch, seen, self._backlog, kinds)
        self._sent = 0

    async def run(self) -> None:
        first, others = _one_of_each_context(self._orders)
        loud, quiet = _split(others)
        async with self._watching():
            await self._load(first, lambda: 1.0)
            await self._heard(len(first))
            await self._loaded(loud)
            await self._settled()
            before = self._resident()
            self._rounds.now = "none: memory is measured"
            await self._load(quiet, lambda: QUIET_PER_SECOND)
            await self._settled()
            self._measure(before, len(quiet))
            await self._heard(len(self._orders))
            await self._take_account()

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        work = (self._watch.run(), self._tell(), *(reader.run() for reader in self._readers))
        background = [asyncio.create_task(one) for one in work]
        try:
            await asyncio.gather(*(reader.connected.wait() for reader in self._readers))
            yield
            for task in background:
                if task.done():
                    task.result()
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            await self._clients.close()

    # -- load and faults -----------------------------------------------------------------------------------------------

    async def _loaded(self, orders: list[Order]) -> None:
        enough = len(orders) / (SECONDS_PER_FAULT * len(KINDS))
        most = {True: TIMED_PER_SECOND, False: STORM_PER_SECOND}
        loading = asyncio.create_task(self._load(orders, lambda: min(enough, most[self._rounds.timed])))
        try:
            while not loading.done():
                await self._rounds.run(loading)
            await loading
        finally:
            loading.cancel()

    async def _load(self, orders: list[Order], per_second: Callable[[], float]) -> None:
        due = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for order in orders:
                due += 1 / per_second()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(self._clients.order(order))
                self._sent += 1

    def _over(self) -> int:
        """Jobs whose end every reader has heard."""
        return min(reader.over for reader in self._readers)

    def _backlog(self) -> int:
        """Jobs that are acknowledged and not over."""
        return len({ack.job_id for ack in self._seen.acks}) - self._over()

    # -- the end -------------------------------------------------------------------------------------------------------

    async def _settled(self) -> None:
        """Wait until everything acknowledged is over at every gateway; what is not by then is stuck."""
        wanted, until = len({ack.job_id for ack in self._seen.acks}), time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < until:
            with suppress(aiohttp.ClientError, TimeoutError):
                totals = [await self._clients.total(gateway, sorted(FINAL)) for gateway in self._cluster.gateways]
                if min(totals) >= wanted:
                    return
            await asyncio.sleep(0.5)

    async def _heard(self, jobs: int) -> None:
        """Wait until every reader has heard the end of that many jobs."""
        until = time.monotonic() + SETTLE_SECONDS / 3
        while time.monotonic() < until:
            if self._over() >= jobs:
                return
            await asyncio.sleep(0.2)

    async def _take_account(self) -> None:
        for gateway in self._cluster.gateways:
            self._seen.answers[gateway] = await self._clients.statuses(gateway)
        self._seen.runs = read_runs(self._cluster.runs)
        self._seen.put_aside = [letter.reason async for letter in dead_letters(self._cluster.bootstrap)]
        await asyncio.to_thread(self._verify)

    def _verify(self) -> None:
        gateways = [word for gateway in self._cluster.gateways for word in ("--gateway", gateway)]
        command = [sys.executable, "-m", "mist_tools.verify", "--kafka", self._cluster.bootstrap, *gateways]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(f"{done.stdout}{done.stderr}", end="", flush=True)
        if done.returncode:
            self._seen.unverified.append(done.stderr.strip() or f"it ended with {done.returncode}")

    def _resident(self) -> dict[str, tuple[int, int]]:
        """Name → process and its resident memory in KB."""
        services = self._cluster.stack.services.items()
        return {name: (service.pid, processes.resident_kb(service.pid)) for name, service in services}

    def _measure(self, before: dict[str, tuple[int, int]], jobs: int) -> None:
        for name, (pid, resident) in self._resident().items():
            if before[name][0] == pid and jobs:
                self._seen.memory[name] = (resident - before[name][1]) * 1024 / jobs

    async def _tell(self) -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(TELL_SECONDS)
            ended = ", ".join(f"{name} {count}x" for name, count in self._cluster.ended_by_themselves.items())
            print(
                f"{time.monotonic() - began:5.0f} s: {self._sent} sent, {len(self._seen.acks)} acknowledged"
                f" ({self._clients.failed_tries} tries failed), {self._over()} over;"
                f" {len(self._seen.recoveries)} recoveries; now: {self._rounds.now}"
                + (f"; ended by themselves: {ended}" if ended else ""),
                flush=True,
            )


def _one_of_each_context(orders: list[Order]) -> tuple[list[Order], list[Order]]:
    """The first order of each context, for which its driver is started; and the others."""
    first = {order.context: order for order in reversed(orders)}
    return list(first.values()), [order for order in orders if order is not first[order.context]]


def _split(orders: list[Order]) -> tuple[list[Order], list[Order]]:
    at = round(len(orders) * (1 - QUIET_SHARE))
    return orders[:at], orders[at:]
