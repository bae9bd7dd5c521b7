"""A real worker host over a real broker that stops answering, and frozen itself; the test plays the scheduler."""

import asyncio
import json
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mist_domain.facts.hosts import HostState
from mist_domain.facts.job_events import JobAttemptLost, JobFinished, JobStarted
from mist_domain.facts.records import RECORDS
from mist_domain.facts.registry import Context, Endpoint
from mist_eventlog import Appender, Codec, Tail
from mist_tools.local_kafka import LocalKafka
from support import facts
from support.brokers import broker
from support.driver_process import is_alive
from support.stack import MODULES, Service, wait_until

CODEC = Codec(RECORDS)
TOPICS = ("mist.job-events", "mist.hosts")
LIMIT = 90.0
LEASE = 6.0
JOB = """
import time
from pathlib import Path

def waits(go: str, done: str):
    Path(go + ".begun").touch()
    while not Path(go).exists():
        time.sleep(0.05)
    Path(done).touch()
"""

Found = TypeVar("Found")


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker that these tests may pause."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="module")
def service(own_kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("host")
    environment = {
        "MIST_KAFKA": own_kafka.bootstrap,
        "MIST_STATE": str(folder / "state"),
        "MIST_LEASE_SECONDS": str(LEASE),
        "MIST_GRACE_SECONDS": "0",
    }
    one = Service("host", MODULES["host"], environment, folder / "host.log")
    one.start()
    yield one
    os.kill(one.pid, signal.SIGCONT)
    one.end()


class Play:
    """The scheduler's part: gives jobs to the host and reads what it says."""

    def __init__(self, appender: Appender, tail: Tail, job: Path) -> None:
        self._appender = appender
        self._tail = tail
        self._job = job
        self._said: list[Any] = []

    async def until(self, what: str, probe: Callable[[list[Any]], Found | None]) -> Found:
        """Every result of `probe` over all that was published, oldest first."""
        try:
            async with asyncio.timeout(LIMIT):
                while not (found := probe(self._said)):
                    self._said += [CODEC.decode(record.value) for record in await self._tail.next_batch(1.0)]
                return found
        except TimeoutError:
            raise TimeoutError(f"after {LIMIT:.0f} s still not: {what}") from None

    async def said(self, kind: type[Found], job_id: str) -> Found:
        def first(said: list[Any]) -> Found | None:
            return next((one for one in said if isinstance(one, kind) and one.job_id == job_id), None)  # type: ignore[attr-defined]

        return await self.until(f"{kind.__name__} of {job_id}", first)

    async def state(self, fits: Callable[[HostState], bool]) -> HostState:
        """The newest state, once it fits."""

        def newest(said: list[Any]) -> HostState | None:
            state = next((one for one in reversed(said) if isinstance(one, HostState)), None)
            return state if state is not None and fits(state) else None

        return await self.until("such a state of the host", newest)

    async def assign(self, **parameters: str) -> str:
        """A job for the host, once it has started there."""
        host = (await self.state(lambda _: True)).host_id
        job_id = str(uuid.uuid4())
        first = facts.initialized(
            job_id=job_id,
            endpoint=Endpoint(name="e", path=str(self._job), class_name="waits"),
            context=Context(name="default", spark_conf={"spark.ui.enabled": "false"}),
            parameters=json.dumps(parameters),
        )
        events = [first, facts.queued(job_id=job_id), facts.assigned(job_id=job_id, host=host)]
        await self._appender.append_all([("mist.job-events", job_id, CODEC.encode(event)) for event in events])
        await self.said(JobStarted, job_id)
        return job_id


@pytest.fixture
async def play(own_kafka: LocalKafka, service: Service, tmp_path: Path) -> AsyncIterator[Play]:
    job = tmp_path / "job.py"
    job.write_text(JOB)
    async with Appender(own_kafka.bootstrap) as appender, Tail(own_kafka.bootstrap, TOPICS) as tail:
        yield Play(appender, tail, job)


async def test_a_job_goes_on_while_kafka_is_silent_and_its_end_is_told_afterwards(
    own_kafka: LocalKafka, play: Play, tmp_path: Path
) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    job_id = await play.assign(go=str(go), done=str(done))
    await asyncio.to_thread(wait_until, "its code runs", Path(f"{go}.begun").exists)
    own_kafka.pause()
    try:
        go.touch()
        wait_until("the job has come to its end", done.exists)
    finally:
        own_kafka.resume()
    assert (await play.said(JobFinished, job_id)).result == '{"result":null}'


async def test_a_frozen_host_keeps_no_driver_beyond_its_lease_and_says_so_when_it_goes_on(
    play: Play, service: Service, tmp_path: Path
) -> None:
    job_id = await play.assign(go=str(tmp_path / "never"), done="")
    state = await play.state(lambda state: any(held.job_id == job_id for held in state.attempts))
    driver = state.workers[0].pid
    os.kill(service.pid, signal.SIGSTOP)
    await asyncio.to_thread(wait_until, "the driver has ended itself", lambda: not is_alive(driver), 60.0)
    os.kill(service.pid, signal.SIGCONT)
    lost = await play.said(JobAttemptLost, job_id)
    assert lost.reason == "the driver died: signal 9 (SIGKILL)"
    after = await play.state(lambda state: not state.workers and not state.attempts)
    assert after.host_id == state.host_id
