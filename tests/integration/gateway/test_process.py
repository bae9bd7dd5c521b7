"""The gateway as a process: killed, restarted, without Kafka, beside a port that is taken, over a log made anew."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka.admin import AdminClient
from websockets.asyncio.client import connect

from mist_domain.facts.requests import job_id_of
from mist_eventlog import Appender
from mist_eventlog.address import KafkaAddress
from mist_eventlog.topics import load_topics
from mist_eventlog.topics.apply import apply
from mist_tools.local_kafka import LocalKafka
from support import facts
from support.brokers import broker
from support.gateway_world import Gateway, Log, eventually, hear, life, new_id
from support.stack import wait_until


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker that these tests may stop."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def gateway(own_kafka: LocalKafka, tmp_path: Path) -> Iterator[Gateway]:
    one = Gateway(own_kafka.bootstrap, tmp_path, MIST_APPEND_TIMEOUT="1")
    yield one
    one.service.end()


@pytest.fixture
def kafka(own_kafka: LocalKafka) -> str:
    return own_kafka.bootstrap


async def test_killed_and_started_again_it_shows_the_same_jobs_and_sockets_go_on(gateway: Gateway, log: Log) -> None:
    gateway.start()
    endpoint, ids = await log.endpoint(), [new_id() for _ in range(5)]
    async with gateway.client() as http, connect(gateway.socket("/jobs/ws")) as socket:
        await socket.ping()
        for job_id in ids[:3]:
            await log.tell(*life(job_id, endpoint))
        heard = await hear(socket, 7)
        started = await http.post(f"/v2/api/endpoints/{endpoint}", json={"numbers": []})
        before = (await http.get("/v2/api/jobs?limit=1000")).json()
        events = (await http.get(f"/v2/api/jobs/{ids[0]}/events")).json()
        gateway.service.kill()
    await log.tell(*life(ids[3], endpoint))
    gateway.start()
    async with gateway.client() as http:
        after = (await http.get("/v2/api/jobs?limit=1000")).json()
        assert [untimed(job) for job in after if job["jobId"] != ids[3]] == [untimed(job) for job in before]
        assert started.json()["id"] in [job["jobId"] for job in after]
        assert (await http.get(f"/v2/api/jobs/{ids[0]}/events")).json() == events
    async with connect(gateway.socket(f"/jobs/ws?since={heard[-1]['cursor']}")) as socket:
        heard += await hear(socket, 9)
        await log.tell(*life(ids[4], endpoint))
        heard += await hear(socket, 4)
    assert sorted((event["id"], event["event"]) for event in heard) == sorted(
        (job_id, word) for job_id in ids for word in ("initialized", "queued", "started", "finished")
    )


def untimed(job: dict[str, Any]) -> dict[str, Any]:
    """A request not yet read back has this machine's time, then the broker's."""
    return {key: value for key, value in job.items() if key != "createTime" or job["status"] != "initialized"}


async def test_two_replicas_show_the_same_and_take_each_others_cursors(
    gateway: Gateway, own_kafka: LocalKafka, log: Log, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = Gateway(own_kafka.bootstrap, tmp_path / "other")
    gateway.start()
    other.start()
    try:
        endpoint = await log.endpoint()
        headers = {"Idempotency-Key": "both"}
        async with gateway.client() as here, other.client() as there:
            for _ in range(20):
                started = await here.post(f"/v2/api/endpoints/{endpoint}", json={"numbers": []})
                assert (await there.get(f"/v2/api/jobs/{started.json()['id']}")).status_code == httpx.codes.OK
            await here.post(f"/v2/api/endpoints/{endpoint}", json={"numbers": [1]}, headers=headers)
            refused = await there.post(f"/v2/api/endpoints/{endpoint}", json={"numbers": [2]}, headers=headers)
            assert refused.status_code == httpx.codes.CONFLICT
        async with connect(gateway.socket("/jobs/ws")) as socket:
            await socket.ping()
            await log.tell(*life(job_id := new_id(), endpoint))
            cursor = (await hear(socket, 2))[-1]["cursor"]
        async with connect(other.socket(f"/jobs/ws?since={cursor}")) as socket:
            assert [event["event"] for event in await hear(socket, 2)] == ["started", "finished"]
        async with connect(other.socket(f"/jobs/{job_id}/ws?since={cursor}")) as socket:
            assert [event["event"] for event in await hear(socket, 2)] == ["started", "finished"]
    finally:
        other.service.end()


async def test_without_kafka_it_lives_but_is_not_ready_and_says_why(gateway: Gateway, own_kafka: LocalKafka) -> None:
    own_kafka.stop_node(1)
    try:
        gateway.service.start()
        wait_until("it lives", lambda: gateway.answer("/livez") == httpx.codes.OK)
        async with gateway.client() as http:

            async def told() -> bool:
                return "no Kafka broker answers" in (await http.get("/readyz")).text

            await eventually("the reason is told", told)
            assert (await http.get("/readyz")).status_code == httpx.codes.SERVICE_UNAVAILABLE
            listed = await http.get("/v2/api/jobs")
            assert (listed.status_code, listed.json()["error"]) == (httpx.codes.SERVICE_UNAVAILABLE, "unavailable")
            refused = await http.post("/v2/api/endpoints/e", json={}, headers={"Idempotency-Key": "k"})
            assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert refused.json()["id"] == job_id_of("e", "k")
            assert refused.headers["idempotency-key"] == "k"
            assert int(refused.headers["retry-after"]) > 0
    finally:
        own_kafka.start_node(1)
    wait_until("it is ready", lambda: gateway.answer("/readyz") == httpx.codes.OK, 60.0)


async def test_when_kafka_does_not_answer_a_start_is_503_and_may_be_sent_again(
    gateway: Gateway, own_kafka: LocalKafka, log: Log
) -> None:
    gateway.start()
    endpoint = await log.endpoint()
    path = f"/v2/api/endpoints/{endpoint}"
    async with gateway.client() as http:
        assert (await http.post(path, json={"numbers": []})).status_code == httpx.codes.OK
        own_kafka.pause()
        try:
            refused = await http.post(path, json={"numbers": []})
        finally:
            own_kafka.resume()
        assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert "retry-after" in refused.headers
        key = refused.headers["idempotency-key"]
        again = await http.post(path, json={"numbers": []}, headers={"Idempotency-Key": key})
        assert (again.status_code, again.json()["id"]) == (httpx.codes.OK, refused.json()["id"])
        assert len((await http.get(f"{path}/jobs")).json()) == 2


async def test_a_record_that_nobody_understands_is_passed_over(gateway: Gateway, log: Log) -> None:
    job_id = new_id()
    for topic in ("mist.job-events", "mist.hosts", "mist.registry"):
        await log.appender.append(topic, job_id, b"what?")
    await log.tell(facts.initialized(job_id))
    gateway.start()
    for topic in ("mist.job-events", "mist.hosts", "mist.registry"):
        await log.appender.append(topic, job_id, b"\xc3\x01what")
    await log.tell(facts.queued(job_id=job_id))
    async with gateway.client() as http:
        assert (await http.get(f"/v2/api/jobs/{job_id}")).json()["status"] == "queued"
        assert 'mist_gateway_poison_total{topic="mist.job-events"} 2.0' in (await http.get("/metrics")).text


async def test_a_request_that_became_no_job_is_forgotten_once_the_schedulers_are_done_with_it(
    gateway: Gateway, own_kafka: LocalKafka, log: Log
) -> None:
    gateway.start()
    endpoint = await log.endpoint()
    async with gateway.client() as http:
        job_id = (await http.post(f"/v2/api/endpoints/{endpoint}", json={"numbers": []})).json()["id"]
        assert (await http.get(f"/v2/api/jobs/{job_id}")).status_code == httpx.codes.OK
        await commit_all(own_kafka.bootstrap, gateway.service.environment["MIST_SCHEDULER_GROUP"])
        await asyncio.to_thread(
            wait_until, "it is gone", lambda: gateway.answer(f"/v2/api/jobs/{job_id}") == httpx.codes.NOT_FOUND, 40.0
        )


async def commit_all(kafka: str, group: str) -> None:
    """As a scheduler that is done with every request."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    places = [TopicPartition("mist.requests", partition) for partition in range(8)]
    consumer.assign(places)
    await consumer.commit(await consumer.end_offsets(places))
    await consumer.stop()


async def test_a_topic_made_anew_ends_the_process(gateway: Gateway, own_kafka: LocalKafka) -> None:
    gateway.start()
    async with Appender(own_kafka.bootstrap) as appender:
        await Log(appender).tell(*life(new_id(), "e"))
    admin = AdminClient({"bootstrap.servers": own_kafka.bootstrap})
    admin.delete_topics(["mist.job-events"])["mist.job-events"].result()
    apply(KafkaAddress(bootstrap=own_kafka.bootstrap), load_topics(), replication=1, wait=30.0)
    process = gateway.service.process
    assert process is not None
    assert await asyncio.to_thread(process.wait, 60) == 1
    assert "it was made anew" in gateway.log.read_text()
    gateway.start()
    async with gateway.client() as http:
        assert (await http.get("/v2/api/jobs?status=finished")).json() == []


async def test_it_stops_when_it_is_told_to_though_sockets_are_open(gateway: Gateway) -> None:
    gateway.start()
    async with connect(gateway.socket("/jobs/ws")) as socket:
        await socket.ping()
        process = gateway.service.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0


def test_a_port_that_is_taken_is_named(gateway: Gateway) -> None:
    gateway.start()
    environment = {**os.environ, **gateway.service.environment}
    second = subprocess.run(
        [sys.executable, "-m", "mist_gateway"], env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{gateway.port}" in second.stderr
    assert "MIST_HTTP_PORT" in second.stderr
    assert "Traceback" not in second.stderr
