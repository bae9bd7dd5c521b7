"""The promises, kept by the images: jobs over REST and Kafka, and containers that are killed."""

import json
import uuid
from collections.abc import Iterator

import pytest

from support.client import Client, produce
from support.fleet import Fleet, fleet
from support.stack import wait_until

RESULT = {"result": [2, 4]}


@pytest.fixture(scope="module")
def running() -> Iterator[Fleet]:
    with fleet() as one:
        yield one


@pytest.fixture
def mist(running: Fleet) -> Client:
    return running.client("gateway-1")


def host_of(mist: Client, job_id: str) -> str:
    """The container in which the job runs: a host's id begins with its name."""
    started = next(event for event in mist.events(job_id) if event["event"] == "JobStarted")
    return "-".join(str(started["writer"]).split("-")[:2])


def test_a_job_over_rest_is_told_of_by_both_gateways(running: Fleet, mist: Client) -> None:
    other = running.client("gateway-2")
    with other.feed() as feed:
        job_id = mist.start("simple-context", {"numbers": [1, 2]})
        assert feed.until(job_id, "finished", 120) == ["initialized", "queued", "started", "finished"]
    assert other.job(job_id)["jobResult"] == RESULT


def test_a_job_over_kafka(running: Fleet, mist: Client) -> None:
    label = uuid.uuid4().hex
    request = {"endpointId": "simple-context", "parameters": {"numbers": [1, 2]}, "externalId": label}
    produce(running.kafka, json.dumps(request).encode())

    def found() -> str | None:
        jobs = mist.http.get("/v2/api/jobs?status=finished").json()
        return next((job["jobId"] for job in jobs if job.get("externalId") == label), None)

    job_id = wait_until("the job has finished", found, 60)
    assert mist.job(job_id)["jobResult"] == RESULT


def test_an_exclusive_job_has_a_driver_of_its_own(mist: Client) -> None:
    job = mist.run("simple-context", {"numbers": [1, 2]}, context="isolated")
    assert (job["jobResult"], job["workerId"]) == (RESULT, f"isolated-{job['jobId']}")


def test_a_killed_gateway_has_every_job_again_and_the_other_answers_meanwhile(running: Fleet, mist: Client) -> None:
    job_id = mist.run("simple-context", {"numbers": [1, 2]})["jobId"]
    before = mist.job(job_id)
    running.kill("gateway-1")
    assert running.client("gateway-2").job(job_id) == before
    running.start_again("gateway-1")
    running.wait_ready("gateway-1")
    assert mist.job(job_id) == before


def test_a_job_asked_for_while_both_schedulers_are_dead_runs_once_one_is_back(running: Fleet, mist: Client) -> None:
    for name in ("scheduler-1", "scheduler-2"):
        running.kill(name)
    job_id = mist.start("simple-context", {"numbers": [1, 2]})
    assert mist.job(job_id)["status"] == "initialized"
    running.start_again("scheduler-2")
    assert mist.ended(job_id)["jobResult"] == RESULT
    running.start_again("scheduler-1")


def test_a_lost_host_s_job_fails_with_the_reason_and_the_next_runs_on_the_other(running: Fleet, mist: Client) -> None:
    running_job = mist.start("sleeper", {"seconds": 600})
    mist.reached(running_job, "started")
    host = host_of(mist, running_job)
    running.kill(host)
    lost = mist.ended(running_job)
    assert lost["status"] == "failed"
    assert host in lost["jobResult"]
    assert mist.run("simple-context", {"numbers": [1, 2]})["jobResult"] == RESULT
    running.start_again(host)


def test_a_killed_broker_comes_back_with_the_whole_log(running: Fleet, mist: Client) -> None:
    job_id = mist.run("simple-context", {"numbers": [1, 2]})["jobId"]
    history = mist.events(job_id)
    running.kill("kafka")
    running.start_again("kafka")

    def runs_again() -> bool:
        answer = mist.http.post("/v2/api/endpoints/simple-context", json={"numbers": [1, 2]})
        return answer.status_code == 200 and mist.ended(answer.json()["id"])["jobResult"] == RESULT

    wait_until("a job runs again", runs_again, 120)
    assert mist.events(job_id) == history


def test_no_service_logged_a_bug(running: Fleet) -> None:
    for name in running.containers:
        assert "Traceback" not in running.logs(name), name
