"""A real scheduler over a real broker; the test plays clients and hosts."""

import asyncio
import json
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from mist_domain.facts.hosts import HostState
from mist_domain.facts.job_events import JobAssigned, JobCancelRequested, JobFailed, JobInitialized, JobQueued
from mist_domain.facts.records import RECORDS
from mist_domain.facts.registry import Context, ContextDefined, Endpoint, EndpointDefined, RegistryEvent, registry_key
from mist_domain.facts.requests import CancelRequest, StartRequest, job_id_of
from mist_eventlog import Appender, Codec, Tail, committed
from mist_eventlog.dead_letters import DeadLetter, dead_letters

CODEC = Codec(RECORDS)
LIMIT = 30.0

Found = TypeVar("Found")


class Log:
    """Records of one topic, by key or header, read as they come."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.records: list[Any] = []

    async def until(self, what: str, probe: Callable[[], Found | None]) -> Found:
        try:
            async with asyncio.timeout(LIMIT):
                while not (found := probe()):
                    self.records += await self.tail.next_batch(1.0)
                return found
        except TimeoutError:
            raise TimeoutError(f"after {LIMIT:.0f} s still not: {what}") from None

    async def events_of(self, job_id: str, count: int) -> list[object]:
        def complete() -> list[object] | None:
            events = [CODEC.decode(one.value) for one in self.records if one.key == job_id.encode()]
            return events if len(events) >= count else None

        return await self.until(f"{count} events of job {job_id}", complete)


@asynccontextmanager
async def scheduler(kafka: str, group: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {"MIST_KAFKA": kafka, "MIST_SCHEDULER_GROUP": group, "MIST_SCHEDULER_SESSION_SECONDS": "6"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mist_scheduler", env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture
async def appender(kafka: str) -> AsyncIterator[Appender]:
    async with Appender(kafka) as one:
        yield one


@pytest.fixture
async def events(kafka: str) -> AsyncIterator[Log]:
    async with Tail(kafka, ["mist.job-events"]) as tail:
        yield Log(tail)


@pytest.fixture
def group() -> str:
    """A group of its own: it reads all requests of the run, which are the same jobs for everybody."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def endpoint(appender: Appender) -> str:
    name = f"e-{uuid.uuid4().hex[:8]}"
    facts: list[RegistryEvent] = [
        EndpointDefined(endpoint=Endpoint(name=name, path="file:///p.py", class_name="f", default_context=name)),
        ContextDefined(context=Context(name=name, max_jobs=1)),
    ]
    for fact in facts:
        await appender.append("mist.registry", registry_key(fact), CODEC.encode(fact))
    return name


async def request(appender: Appender, endpoint: str, request_id: str, **changes: Any) -> str:
    start = StartRequest(request_id=request_id, endpoint=endpoint, source="test", **changes)
    job_id = job_id_of(endpoint, request_id)
    await appender.append("mist.requests", job_id, CODEC.encode(start))
    return job_id


async def test_a_request_is_queued_and_assigned_once_a_host_is_there(
    kafka: str, appender: Appender, events: Log, endpoint: str, group: str
) -> None:
    async with scheduler(kafka, group):
        job_id = await request(appender, endpoint, "1")
        initialized, queued = await events.events_of(job_id, 2)
        assert isinstance(initialized, JobInitialized)
        assert isinstance(queued, JobQueued)
        state = HostState(host_id=endpoint, name="h", address="", slots=9, max_workers=9, spark_version="4")
        await appender.append("mist.hosts", endpoint, CODEC.encode(state))
        assigned = (await events.events_of(job_id, 3))[2]
        assert isinstance(assigned, JobAssigned)
        assert assigned.host_id == endpoint


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (b"\x07nonsense", "neither Avro nor JSON"),
        (b"\xc3\x01" + b"\x00" * 8 + b"rest", "unknown"),
        (CODEC.encode(StartRequest(endpoint="e", source="t"))[:-1], "truncated"),
        (b"\x00\x00\x00\x00\x07body", "schema registry"),
        (b'{"externalId": "x"}', "endpointId"),
        (b'{"endpointId": ', "malformed"),
        (b'{"endpointId": "e", "parameters": []}', "'parameters' must be a JSON object"),
        (CODEC.encode(JobQueued(job_id="j", writer="w", version=1)), "no request"),
    ],
)
async def test_what_is_no_request_is_kept_with_the_reason_and_the_next_is_served(
    kafka: str, appender: Appender, events: Log, endpoint: str, value: bytes, reason: str
) -> None:
    key = uuid.uuid4().hex
    async with scheduler(kafka, key):
        await appender.append("mist.requests", key, value)
        job_id = await request(appender, endpoint, "next")
        await events.events_of(job_id, 2)
        letter = await dead_letter_of(kafka, key)
    assert letter.record.value == value
    assert reason.lower() in letter.reason.lower()


async def dead_letter_of(kafka: str, key: str) -> DeadLetter:
    async with asyncio.timeout(LIMIT):
        while True:
            async for letter in dead_letters(kafka):
                if letter.record.key == key.encode():
                    return letter


async def test_what_is_impossible_is_a_job_that_failed_with_the_reason(
    kafka: str, appender: Appender, events: Log, group: str
) -> None:
    name, external_id = f"none-{uuid.uuid4().hex}", uuid.uuid4().hex
    body = {"endpointId": name, "requestId": "1", "externalId": external_id}
    async with scheduler(kafka, group):
        await appender.append("mist.requests", None, json.dumps(body).encode())
        initialized, failed = await events.events_of(job_id_of(name, "1"), 2)
    assert isinstance(initialized, JobInitialized)
    assert initialized.external_id == external_id
    assert isinstance(failed, JobFailed)
    assert failed.error.startswith(f"unknown endpoint '{name}'")


async def test_a_standby_takes_over_and_a_request_read_twice_is_one_job(
    kafka: str, appender: Appender, events: Log, endpoint: str, group: str
) -> None:
    async with scheduler(kafka, group) as active:
        await events.events_of(await request(appender, endpoint, "before"), 2)
        async with scheduler(kafka, group):
            active.send_signal(signal.SIGKILL)
            await active.wait()
            again = await request(appender, endpoint, "before")
            after = await request(appender, endpoint, "after")
            await events.events_of(after, 2)
    facts = [CODEC.decode(one.value) for one in events.records if one.key == again.encode()]
    assert sum(isinstance(fact, JobInitialized) for fact in facts) == 1


async def test_a_cancel_that_is_read_before_its_start_cancels_the_job(
    kafka: str, appender: Appender, events: Log, endpoint: str, group: str
) -> None:
    """Any producer may key its start as it likes, so that it stands in another partition than the cancel."""
    jobs = [job_id_of(endpoint, str(number)) for number in range(40)]
    for number, job_id in enumerate(jobs):
        start = StartRequest(request_id=str(number), endpoint=endpoint, source="test")
        await appender.append("mist.requests", str(number), CODEC.encode(start))
        cancel = CancelRequest(job_id=job_id, requested_by="user", reason="test")
        await appender.append("mist.requests", job_id, CODEC.encode(cancel))
    async with scheduler(kafka, group):
        for job_id in jobs:
            facts = await events.events_of(job_id, 3)
            assert isinstance(facts[-1], JobCancelRequested)


async def test_a_cancel_of_no_job_is_kept_with_the_reason(
    kafka: str, appender: Appender, endpoint: str, group: str
) -> None:
    async with scheduler(kafka, group):
        cancel = CancelRequest(job_id=group, requested_by="user", reason="test")
        await appender.append("mist.requests", group, CODEC.encode(cancel))
        letter = await dead_letter_of(kafka, group)
    assert letter.reason == f"there is no job {group} to cancel"


async def test_a_request_is_committed_once_the_log_shows_its_effect(
    kafka: str, appender: Appender, events: Log, endpoint: str, group: str
) -> None:
    async with scheduler(kafka, group):
        placed = await appender.append(
            "mist.requests", "k", CODEC.encode(StartRequest(request_id="c", endpoint=endpoint, source="test"))
        )
        await events.events_of(job_id_of(endpoint, "c"), 2)
        async with asyncio.timeout(LIMIT):
            while (await committed(kafka, group, "mist.requests")).get(placed.partition, 0) <= placed.offset:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
