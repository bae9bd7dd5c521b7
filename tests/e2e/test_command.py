"""The command `mist` and the library beneath it, against a running Mist."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from mist.client import AsyncMist, KafkaMist, Mist, NotFoundError
from mist.client.calls import Start
from support.client import Client
from support.stack import Stack

LIFE = ["initialized", "queued", "started", "finished"]
PROGRAM = Path(sys.executable).parent / "mist"


def call(stack: Stack, *arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MIST_URL": url or stack.url}
    command = [str(PROGRAM), "--patience", "1", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def output_of(stack: Stack, *arguments: str) -> Any:
    ended = call(stack, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_run_prints_the_result_and_watch_the_life(stack: Stack) -> None:
    assert json.loads(output_of(stack, "run", "simple-context", "numbers=[1, 2]")) == {"result": [2, 4]}
    watched = call(stack, "run", "simple-context", "numbers=[3]", "multiplier=5", "--watch")
    assert json.loads(watched.stdout) == {"result": [15]}
    positions = [watched.stderr.index(word) for word in LIFE]
    assert positions == sorted(positions)


def test_a_job_that_fails_is_exit_code_1_and_what_is_refused_2(stack: Stack) -> None:
    failed = call(stack, "run", "failing", "message=oh no")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "oh no" in failed.stderr
    for arguments in (["run", "nobody"], ["run", "simple-context"], ["run", "noop", "x"], ["logs", "nobody"]):
        refused = call(stack, *arguments)
        assert refused.returncode == 2, arguments
        assert "Traceback" not in refused.stderr


def test_nobody_there_is_exit_code_3_and_says_where_it_looked(stack: Stack) -> None:
    ended = call(stack, "status", url="http://127.0.0.1:1")
    assert ended.returncode == 3
    assert "http://127.0.0.1:1 cannot be reached" in ended.stderr
    assert "MIST_URL" in ended.stderr


def test_lists_cancel_logs_and_stop(stack: Stack, mist: Client) -> None:
    assert "simple-context" in output_of(stack, "endpoints")
    assert any(context["name"] == "default" for context in json.loads(output_of(stack, "contexts", "--json")))
    job_id = output_of(stack, "run", "sleeper", "seconds=120", "--detach", "--context", "one").strip()
    mist.reached(job_id, "started")
    assert [job["jobId"] for job in json.loads(output_of(stack, "jobs", "-s", "started", "--json"))] == [job_id]
    assert job_id in output_of(stack, "jobs", "--endpoint", "sleeper", "--limit", "1")
    assert output_of(stack, "cancel", job_id).strip() in {"started", "canceled"}
    assert mist.ended(job_id)["status"] == "canceled"
    printing = mist.run("many-lines", {"lines": 3, "width": 5})["jobId"]
    assert output_of(stack, "logs", printing, "-f").count("xxxxx") == 3
    assert "one" in output_of(stack, "workers")
    output_of(stack, "stop", "one")


def test_apply_makes_it_so_and_changes_nothing_the_second_time(stack: Stack, mist: Client, tmp_path: Path) -> None:
    name = f"applied-{uuid.uuid4().hex[:8]}"
    (tmp_path / f"{name}.py").write_text("def work(n: int): return {'n': n}")
    file = tmp_path / "mist.yaml"
    file.write_text(
        f"contexts: [{{name: {name}, maxJobs: 3}}]\n"
        f"endpoints: [{{name: {name}, path: {name}.py, className: work, defaultContext: one}}]\n"
    )
    assert output_of(stack, "apply", "-f", str(file)).splitlines() == [
        f"context {name}: created", f"artifact {name}.py: uploaded", f"endpoint {name}: created",
    ]  # fmt: skip
    assert all(line.endswith("unchanged") for line in output_of(stack, "apply", "-f", str(file)).splitlines())
    assert mist.run(name, {"n": 4})["jobResult"] == {"n": 4}
    file.write_text("contexts: 1")
    assert call(stack, "apply", "-f", str(file)).returncode == 2


def test_events_since_a_cursor(stack: Stack, mist: Client) -> None:
    job_id = mist.run("noop")["jobId"]
    events = [json.loads(line) for line in output_of(stack, "events", "--job", job_id).splitlines()]
    assert [event["event"] for event in events] == LIFE
    later = [
        json.loads(line)
        for line in output_of(stack, "events", "--job", job_id, "--since", events[1]["cursor"]).splitlines()
    ]
    assert [(event["event"], event["time"]) for event in later] == [
        ("started", events[2]["time"]),
        ("finished", events[3]["time"]),
    ]


async def test_the_library_speaks_asyncio_and_follows_all_jobs_over_a_gateway_that_is_gone(stack: Stack) -> None:
    """The first address is one where nobody listens."""
    async with AsyncMist("http://127.0.0.1:1", stack.url) as mist:
        feed = mist.events()
        first = asyncio.ensure_future(anext(feed))
        job_id = await mist.start("noop")
        assert (await mist.wait(job_id))["status"] == "finished"
        events = [await first] + [await anext(feed) for _ in range(3)]
        await feed.aclose()  # type: ignore[attr-defined]
    assert [event["event"] for event in events if event["id"] == job_id][:1] == ["initialized"]


def test_one_key_is_one_job_by_rest_and_by_kafka(stack: Stack, kafka: str) -> None:
    options = Start(key=uuid.uuid4().hex)
    with Mist(stack.url) as mist, KafkaMist(kafka) as by_kafka:
        job_id = mist.start("noop", {}, options)
        assert by_kafka.start("noop", {}, options) == job_id
        assert mist.start("noop", {}, options) == job_id
        assert mist.wait(job_id)["status"] == "finished"
        with pytest.raises(NotFoundError, match="nobody"):
            mist.start("nobody")


def test_a_producer_follows_its_job_by_kafka_alone(stack: Stack, kafka: str) -> None:
    with KafkaMist(kafka) as mist:
        job_id = mist.start("simple-context", {"numbers": [1, 2, 3]})
        events = list(mist.follow(job_id, timeout=60))
    assert [event["event"] for event in events] == LIFE
    assert events[-1]["result"] == {"result": [2, 4, 6]}
    assert stack.url
