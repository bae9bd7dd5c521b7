"""The main path on the real parts: Kafka and REST in, real PySpark, lifecycle events out."""

import importlib.metadata
import json
import os
import uuid
from pathlib import Path

import pytest
from vega_datasets import local_data

from mist_domain.facts.records import RECORDS
from mist_domain.facts.requests import StartRequest
from mist_eventlog import Codec
from mist_runtime.java import find_java
from support.client import Client, produce
from support.stack import Stack, wait_until

LIFE = ["initialized", "queued", "started", "finished"]


def test_a_job_started_over_rest_lives_through_its_events_to_its_result(mist: Client) -> None:
    with mist.feed() as feed:
        job_id = mist.start("simple-context", {"numbers": [1, 2, 3]}, externalId="mine")
        assert feed.until(job_id, "finished") == LIFE
    finished = feed.events[-1]
    assert finished["result"] == {"result": [2, 4, 6]}
    assert mist.job(job_id)["jobResult"] == {"result": [2, 4, 6]}
    assert mist.job(job_id)["externalId"] == "mine"


def test_a_request_is_visible_as_soon_as_it_is_answered(mist: Client) -> None:
    for _ in range(20):
        job_id = mist.start("noop")
        assert mist.job(job_id)["jobId"] == job_id


def test_one_job_s_socket_tells_of_that_job_alone_from_its_start(mist: Client) -> None:
    other = mist.start("noop")
    job_id = mist.start("simple-context", {"numbers": [5]})
    with mist.feed(f"/v2/api/jobs/{job_id}/ws?since=start") as feed:
        assert feed.until(job_id, "finished") == LIFE
    assert other not in {event["id"] for event in feed.events}


@pytest.mark.parametrize("path", ["/v2/api/ws", "/v2/api/ws/all"])
def test_the_aliases_of_the_feed_tell_the_same(mist: Client, path: str) -> None:
    with mist.feed(path) as feed:
        assert feed.until(mist.start("noop"), "finished") == LIFE


def test_a_json_request_from_a_kafka_producer_runs(mist: Client, kafka: str) -> None:
    external_id = uuid.uuid4().hex
    request = {"endpointId": "simple-context", "parameters": {"numbers": [4]}, "externalId": external_id}
    with mist.feed() as feed:
        produce(kafka, json.dumps(request).encode())
        event = feed.next()
        while event.get("externalId") != external_id:
            event = feed.next()
        assert feed.until(event["id"], "finished") == LIFE
    assert feed.events[-1]["result"] == {"result": [8]}
    assert mist.job(event["id"])["source"] == "Async Kafka"


def test_an_avro_request_from_a_kafka_producer_runs(mist: Client, kafka: str) -> None:
    external_id = uuid.uuid4().hex
    request = StartRequest(
        endpoint="simple-context", parameters='{"numbers":[1],"multiplier":7}', external_id=external_id, source="Kafka"
    )
    with mist.feed() as feed:
        produce(kafka, Codec(RECORDS).encode(request), key=b"any key at all")
        event = feed.next()
        while event.get("externalId") != external_id:
            event = feed.next()
        assert feed.until(event["id"], "finished") == LIFE
    assert feed.events[-1]["result"] == {"result": [7]}


def test_the_real_job_on_real_data_gives_what_another_way_of_reckoning_gives(mist: Client) -> None:
    weather = local_data.seattle_weather()
    expected = weather.groupby(weather.date.dt.year).temp_max.max().to_dict()
    rows = mist.run("weather")["jobResult"]["rows"]
    assert {row["year"]: row["warmest"] for row in rows} == expected


def test_the_status_tells_what_jobs_run_on(mist: Client) -> None:
    status = mist.http.get("/v2/api/status").json()
    assert status["sparkVersion"] == importlib.metadata.version("pyspark")
    java = find_java()
    assert status["javaVersion"] == {"runtimeVersion": java.version, "vmVendor": java.vendor or "unknown"}


def test_two_jobs_of_a_shared_context_run_at_once_in_one_driver(mist: Client) -> None:
    first, second = (mist.start("meets", {"name": name, "other": other}) for name, other in (("a", "b"), ("b", "a")))
    results = [mist.ended(job_id)["jobResult"] for job_id in (first, second)]
    assert results[0]["pid"] == results[1]["pid"]
    assert [result["met"] for result in results] == ["b", "a"]


def test_exclusive_jobs_have_a_driver_each_that_ends_with_them(mist: Client) -> None:
    jobs = [mist.start("whoami", {}, mode="exclusive", workerId="w") for _ in range(2)]
    ended = [mist.ended(job_id) for job_id in jobs]
    assert [job["workerId"] for job in ended] == [f"default-w-{job_id}" for job_id in jobs]
    pids = {job["jobResult"]["pid"] for job in ended}
    assert len(pids) == 2
    wait_until("the exclusive drivers are gone", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_drivers_stand_back_from_their_host_for_a_busy_core(mist: Client, stack: Stack) -> None:
    host = os.getpriority(os.PRIO_PROCESS, stack.services["host-0"].pid)
    processes = mist.run("whoami")["jobResult"]
    assert {os.getpriority(os.PRIO_PROCESS, processes[name]) for name in ("pid", "jvm")} == {host + 10}


def test_a_queued_job_is_canceled_without_ever_starting(mist: Client) -> None:
    running = mist.start("sleeper", {"seconds": 120}, context="one")
    waiting = mist.start("sleeper", {"seconds": 120}, context="one")
    mist.reached(running, "started")
    assert mist.cancel(waiting)["status"] == "canceled"
    assert mist.cancel(running)["jobId"] == running
    assert mist.ended(running)["status"] == "canceled"
    assert "startTime" not in mist.job(waiting)


def test_a_job_whose_driver_is_still_starting_is_canceled(mist: Client) -> None:
    job_id = mist.start("sleeper", {"seconds": 120}, mode="exclusive")
    wait_until("it is assigned", lambda: "assigned" in phases(mist, job_id))
    mist.cancel(job_id)
    assert mist.ended(job_id)["status"] == "canceled"
    assert "started" not in phases(mist, job_id)


def test_cancelling_a_running_job_stops_its_spark_work(mist: Client) -> None:
    job_id = mist.start("sleeper", {"seconds": 600})
    mist.reached(job_id, "started")
    mist.cancel(job_id)
    assert mist.ended(job_id, limit=30)["status"] == "canceled"
    assert "jobResult" not in mist.job(job_id)
    assert mist.run("busy-stages")["jobResult"] == {"active": 0}


def phases(mist: Client, job_id: str) -> list[str]:
    return [event["status"] for event in mist.events(job_id) if "status" in event]


def test_a_stopped_worker_fails_its_jobs_and_the_context_gets_another(mist: Client) -> None:
    job_id = mist.start("sleeper", {"seconds": 600}, context="stopped")
    mist.reached(job_id, "started")
    assert "stopped" in {worker["name"] for worker in mist.http.get("/v2/api/workers").json()}
    answer = mist.http.delete("/v2/api/workers/stopped")
    assert (answer.status_code, answer.content) == (200, b"")
    job = mist.ended(job_id)
    assert (job["status"], job["jobResult"]) == ("failed", "worker was stopped")
    assert mist.run("noop", context="stopped")["status"] == "finished"


def test_a_killed_gateway_shows_the_same_jobs_when_it_is_back(mist: Client, stack: Stack) -> None:
    mist.run("noop")
    before = mist.http.get("/v2/api/jobs", params={"limit": "1000"}).json()
    gateway = stack.services["gateway-0"]
    gateway.kill()
    gateway.start()
    stack.wait_ready()
    assert mist.http.get("/v2/api/jobs", params={"limit": "1000"}).json() == before


def test_a_killed_host_leaves_no_driver_behind_and_its_jobs_are_lost_once_it_is_back(
    mist: Client, stack: Stack
) -> None:
    pids = [mist.run("whoami")["jobResult"]["pid"], mist.run("whoami")["jobResult"]["jvm"]]
    running = mist.start("sleeper", {"seconds": 600})
    mist.reached(running, "started")
    host = stack.services["host-0"]
    host.kill()
    wait_until("driver and JVM are gone", lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    host.start()
    job = mist.ended(running)
    assert job["status"] == "failed"
    assert job["jobResult"].endswith("has stopped"), "its successor names it: nobody waits for 25 ticks"
    assert mist.run("noop")["status"] == "finished"
