"""Uploaded job code on real drivers: what a job was queued with is what it runs, wherever its pieces are imported."""

import uuid
from pathlib import Path

import httpx
import pytest

from support.artifacts import archive, define, upload
from support.client import Client
from support.stack import wait_until

SPEAKS = "import time\nfrom pathlib import Path\ndef speaks(go: str = ''):\n    while go and not Path(go).exists():\n"
SPEAKS += "        time.sleep(0.05)\n    return {{'version': {version}}}\n"


def test_a_job_runs_the_content_that_its_artifact_had_when_it_was_asked_for(mist: Client, tmp_path: Path) -> None:
    name = f"speaks-{uuid.uuid4().hex[:8]}.py"
    upload(mist, name, SPEAKS.format(version=1).encode())
    endpoint = define(mist, path=name, className="speaks", defaultContext="one")
    go = tmp_path / "go"
    first, waiting = (mist.start(endpoint, {"go": str(go)}) for _ in range(2))
    mist.reached(first, "started")
    mist.reached(waiting, "queued")
    upload(mist, name, SPEAKS.format(version=2).encode(), force=True)
    newer = mist.start(endpoint)
    go.touch()
    versions = [mist.ended(job)["jobResult"]["version"] for job in (first, waiting, newer)]
    assert versions == [1, 1, 2]
    shas = {mist.events(job)[0]["artifactSha"] for job in (first, waiting, newer)}
    assert len(shas) == 2


@pytest.mark.parametrize("suffix", ["egg", "whl", "zip"])
def test_two_versions_of_an_archive_do_not_mix_in_one_driver_nor_on_its_executors(mist: Client, suffix: str) -> None:
    name = f"archive-{uuid.uuid4().hex[:8]}.{suffix}"
    upload(mist, name, archive(2))
    endpoint = define(mist, path=name, className="entry.jobs.work")
    assert mist.run(endpoint, {"numbers": [1, 2, 3]})["jobResult"] == {"result": [2, 4, 6], "here": 2}
    upload(mist, name, archive(3), force=True)
    assert mist.run(endpoint, {"numbers": [1, 2, 3]})["jobResult"] == {"result": [3, 6, 9], "here": 3}


def test_an_artifact_that_is_gone_fails_new_jobs_with_the_reason(mist: Client) -> None:
    name = f"gone-{uuid.uuid4().hex[:8]}.py"
    upload(mist, name, b"def job(): return 1")
    endpoint = define(mist, path=name, className="job")
    assert mist.run(endpoint)["jobResult"] == {"result": 1}
    assert mist.http.delete(f"/v2/api/artifacts/{name}").status_code == httpx.codes.OK
    job = mist.run(endpoint)
    assert job["status"] == "failed"
    assert name in job["jobResult"]


def test_a_changed_context_gets_a_new_shared_driver_and_running_jobs_keep_theirs(mist: Client, tmp_path: Path) -> None:
    context = f"c-{uuid.uuid4().hex[:8]}"
    body = {"name": context, "sparkConf": {"spark.ui.enabled": "false"}}
    assert mist.http.post("/v2/api/contexts", json=body).status_code == httpx.codes.OK
    before = mist.driver(context)
    go, done = tmp_path / "go", tmp_path / "done"
    running = mist.start("waits", {"go": str(go), "done": str(done)}, context=context)
    mist.reached(running, "started")
    body["sparkConf"]["spark.sql.shuffle.partitions"] = "3"  # type: ignore[index]
    assert mist.http.put("/v2/api/contexts", json=body).status_code == httpx.codes.OK
    after = mist.driver(context)
    assert after != before
    go.touch()
    assert mist.ended(running)["status"] == "finished"
    wait_until("the old driver has ended", lambda: not Path(f"/proc/{before}").exists(), 30)
    assert mist.driver(context) == after
