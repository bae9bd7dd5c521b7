"""The original's own command line client, as PyPI has it, against this Mist: every command of both its releases."""

import json
import os
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support.client import Client
from support.published import installed
from support.stack import Stack

JOB = "def work(numbers, multiplier: int = 2):\n    return {'result': [n * multiplier for n in numbers]}\n"
VERSIONS = ("1.0.2", "1.0.6")


@dataclass
class MistCli:
    """One release: 1.0.2 speaks of `/endpoints` to the server, 1.0.6 of `/functions`."""

    version: str
    program: Path
    port: int

    def artifact(self, name: str) -> str:
        """Name that mist-cli gives to an artifact of version 0.0.1."""
        return f"{name}_0_0_1.py" if self.version == "1.0.2" else f"{name}_0.0.1.py"

    def run(self, *arguments: str) -> str:
        """Run it and return its output; an exit code other than 0 fails the test."""
        ended = self.call(*arguments)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), "--host", "127.0.0.1", "--port", str(self.port), "-y", *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MIST_")} | {"USER": ""}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(params=VERSIONS)
def cli(request: pytest.FixtureRequest, stack: Stack) -> MistCli:
    return MistCli(request.param, installed("mist-cli", request.param, "mist-cli"), stack.ports[0])


def deployment(folder: Path, cli: MistCli, name: str, job: str = JOB) -> Path:
    """A folder as the original's manual shows it: job code, a context and an endpoint."""
    folder.mkdir(exist_ok=True)
    (folder / "work.py").write_text(job)
    entries = {
        "00artifact": f'model = Artifact\nname = {name}\nversion = "0.0.1"\ndata.file-path = "work.py"\n',
        "10context": f"model = Context\nname = {name}\ndata {{ worker-mode = shared, max-parallel-jobs = 2, "
        'downtime = "30s", spark-conf { spark.ui.enabled = "false", spark.executor.memory = "512m" } }\n',
        "20function": f"model = Function\nname = {name}\n"
        f"data {{ path = {cli.artifact(name)}, class-name = work, context = {name} }}\n",
    }
    for file, text in entries.items():
        (folder / f"{file}.conf").write_text(text)
    return folder


def apply(cli: MistCli, folder: Path) -> str:
    with_cwd = subprocess.run(
        [str(cli.program), "--host", "127.0.0.1", "--port", str(cli.port), "apply", "-f", str(folder), "-u", ""],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert with_cwd.returncode == 0, with_cwd.stdout + with_cwd.stderr
    return with_cwd.stdout


def test_status(cli: MistCli) -> None:
    if cli.version == "1.0.2":
        assert "No such command" in cli.call("status").stderr
        return
    printed = cli.run("status")
    assert "Mist version: " in printed
    assert "UNKNOWN" not in printed


def test_apply_start_and_list(cli: MistCli, mist: Client, tmp_path: Path) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    folder = deployment(tmp_path / "deployment", cli, name)
    printed = apply(cli, folder)
    assert f"start job {name}" in printed.replace("\n", " ")
    context = mist.http.get(f"/v2/api/contexts/{name}").json()
    assert (context["workerMode"], context["downtime"], context["maxJobs"]) == ("shared", "30s", 2)
    assert context["sparkConf"] == {"spark.ui.enabled": "false", "spark.executor.memory": "512m"}
    answer = json.loads(cli.run("start", "job", name, '{"numbers": [1, 2]}'))
    assert answer == {"success": True, "payload": {"result": [2, 4]}, "errors": []}
    assert name in cli.run("list", "functions")
    assert f"{cli.artifact(name)}" in cli.run("list", "functions")
    assert name in cli.run("list", "contexts")
    assert name in cli.run("list", "workers")
    (job,) = mist.http.get(f"/v2/api/functions/{name}/jobs").json()
    assert job["jobId"][:8] in cli.run("list", "jobs", "--filter", "finished,failed")


def test_apply_twice_changes_the_endpoint_and_says_that_the_artifact_is_there(
    cli: MistCli, mist: Client, tmp_path: Path
) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    apply(cli, deployment(tmp_path / "deployment", cli, name))
    mist.http.get(f"/v2/api/endpoints/{name}").raise_for_status()
    again = apply(cli, deployment(tmp_path / "deployment", cli, name, JOB.replace("work", "other")))
    assert f"Artifact key {cli.artifact(name)} has to be unique" in again
    assert mist.http.get(f"/v2/api/artifacts/{cli.artifact(name)}").text == JOB


def test_kill_a_job_and_its_worker(cli: MistCli, mist: Client) -> None:
    job_id = mist.start("sleeper", {"seconds": 120}, context="killed")
    mist.reached(job_id, "started")
    listed = cli.run("list", "jobs")
    assert job_id[:8] in listed
    cli.run("kill", "job", job_id)
    assert mist.ended(job_id)["status"] == "canceled"
    other = mist.start("sleeper", {"seconds": 120}, context="killed")
    mist.reached(other, "started")
    cli.run("kill", "worker", "killed")
    ended = mist.ended(other)
    assert ended["status"] == "failed"
    assert "worker was stopped" in ended["jobResult"]


def test_what_the_server_says_of_a_bad_start_is_printed(cli: MistCli) -> None:
    assert "There is no endpoint 'nobody'" in cli.run("start", "job", "nobody")
    assert "numbers" in cli.run("start", "job", "simple-context", "{}")


def test_a_failed_job_is_an_answer_too(cli: MistCli) -> None:
    answer = json.loads(cli.run("start", "job", "failing", '{"message": "oh no"}'))
    assert answer["success"] is False
    assert answer["payload"] == {}
    assert "oh no" in answer["errors"][0]


def test_an_unknown_job_or_one_that_is_over_can_be_killed_in_peace(cli: MistCli, mist: Client) -> None:
    over = mist.run("noop")["jobId"]
    assert over in cli.run("kill", "job", over)
    unknown = cli.call("kill", "job", "nobody")
    assert unknown.returncode != 0
    assert "Traceback" not in unknown.stderr
    assert cli.run("kill", "worker", "nobody")
    assert mist.http.get(f"/v2/api/jobs/{over}").status_code == httpx.codes.OK
