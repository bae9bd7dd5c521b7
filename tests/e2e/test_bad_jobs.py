"""Job code that does what no job should do: that job ends with a clear error, and others go on."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.client import Client, produce
from support.stack import wait_until

ERRORS = {
    "raises": "ValueError: no good",
    "exits": "SystemExit: the job called sys.exit(3)",
    "unserialisable": "ResultError: ",
    "large": "ResultError: ",
    "exits-for-real": "the driver died: exit code 9",
    "kills-its-jvm": "the driver died: The driver's JVM was killed by signal 9",
}
CONTEXTS = {"exits-for-real": "crashes", "kills-its-jvm": "crashes-jvm"}


@pytest.fixture(scope="module")
def ended(mist: Client) -> dict[str, dict[str, Any]]:
    """All of them at once, beside a job that does nothing wrong."""
    mist.start("noop", context="unfit", externalId="unfit")
    contexts = {"default": "default"} | CONTEXTS
    started = {name: mist.start(name, context=contexts.get(name, "default")) for name in ERRORS}
    started["good"] = mist.start("sleeper", {"seconds": 2})
    return {name: mist.ended(job_id) for name, job_id in started.items()}


@pytest.mark.parametrize("name", ERRORS)
def test_it_fails_with_a_clear_error(ended: dict[str, dict[str, Any]], name: str) -> None:
    job = ended[name]
    assert job["status"] == "failed"
    assert job["jobResult"].startswith(ERRORS[name])


def test_a_job_beside_them_goes_on(ended: dict[str, dict[str, Any]]) -> None:
    assert ended["good"]["status"] == "finished"


@pytest.mark.parametrize("context", ["default", *CONTEXTS.values()])
def test_later_jobs_of_the_same_context_run(mist: Client, ended: dict[str, dict[str, Any]], context: str) -> None:
    assert ended["raises"]["status"] == "failed"
    assert mist.run("noop", context=context)["status"] == "finished"


def test_the_traceback_stands_in_the_log_and_in_the_history(mist: Client, ended: dict[str, dict[str, Any]]) -> None:
    job_id = ended["raises"]["jobId"]
    log = f"/v2/api/jobs/{job_id}/logs"
    text = wait_until("the traceback is in the log", lambda: told_in(mist, log, 'File "bad.py"'))
    assert "ERROR 20" in text
    history = mist.http.get(f"/v2/api/jobs/{job_id}/events").json()
    assert 'File "bad.py"' in history[-1]["detail"]


def told_in(mist: Client, path: str, words: str) -> str | None:
    text = mist.http.get(path).text
    return text if words in text else None


@pytest.mark.parametrize("name", ["loops", "waits-for-ever"])
def test_one_that_never_returns_can_be_canceled(mist: Client, name: str) -> None:
    job_id = mist.start(name, mode="exclusive")
    mist.reached(job_id, "started")
    mist.cancel(job_id)
    assert mist.ended(job_id)["status"] == "canceled"


def test_one_that_prints_megabytes_finishes_and_all_is_kept(mist: Client) -> None:
    job = mist.run("many-lines", {"lines": 20_000, "width": 99})
    assert job["status"] == "finished"
    path = f"/v2/api/jobs/{job['jobId']}/logs"
    wait_until("all lines are kept", lambda: mist.http.get(path).text.count("x" * 99) == 20_000)


@pytest.mark.parametrize("style", ["mistpy", "old-class"])
def test_the_other_styles_of_job_code_run(mist: Client, style: str) -> None:
    assert mist.run(style, {"numbers": [1, 2]})["jobResult"]["result"] == [2, 4]


def test_an_idle_driver_is_stopped_after_its_context_s_downtime(mist: Client) -> None:
    pid = mist.run("whoami", context="brief")["jobResult"]["pid"]
    wait_until("the idle driver is gone", lambda: not Path(f"/proc/{pid}").exists())
    assert mist.run("whoami", context="brief")["jobResult"]["pid"] != pid


def test_what_is_no_request_does_not_hold_up_the_next(mist: Client, kafka: str) -> None:
    request = {"endpointId": "noop", "externalId": "after the bad ones"}
    with mist.feed() as feed:
        produce(
            kafka, b"", b"\x07", b"\xc3\x01" + b"\x00" * 8, b'{"endpointId": ', json.dumps(request).encode(), key=b"k"
        )
        event = feed.next()
        while event.get("externalId") != request["externalId"]:
            event = feed.next()
        assert feed.until(event["id"], "finished")[-1] == "finished"


def test_what_is_impossible_is_a_job_that_failed_with_the_reason(mist: Client, kafka: str) -> None:
    request = {"endpointId": "nobody-defined-it", "externalId": "impossible"}
    with mist.feed() as feed:
        produce(kafka, json.dumps(request).encode())
        event = feed.next()
        while event.get("externalId") != request["externalId"]:
            event = feed.next()
        assert feed.until(event["id"], "failed") == ["initialized", "failed"]
    assert "unknown endpoint 'nobody-defined-it'" in feed.events[-1]["error"]


def test_a_context_whose_drivers_cannot_start_fails_its_jobs_and_then_is_broken(
    mist: Client, ended: dict[str, dict[str, Any]]
) -> None:
    assert ended["raises"]["status"] == "failed"
    first = next(job for job in mist.http.get("/v2/api/endpoints/noop/jobs").json() if job["context"] == "unfit")
    job = mist.ended(first["jobId"], limit=180)
    assert job["status"] == "failed"
    assert "the driver could not start" in job["jobResult"]
    again = mist.run("noop", context="unfit")
    assert "context 'unfit' is broken" in again["jobResult"]
    changed = mist.http.post("/v2/api/contexts", json={"name": "unfit"})
    assert changed.status_code == 200
    assert mist.run("noop", context="unfit")["status"] == "finished"
