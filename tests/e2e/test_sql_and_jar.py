"""SQL files and jars over REST: uploaded, described, checked, run."""

import uuid
from pathlib import Path

import httpx

from support.artifacts import define, upload
from support.client import Client
from support.jars import compiled

SQL = b"select :word as word, id from range(:count) order by id"


def test_a_sql_file_runs_with_its_parameters_bound(mist: Client) -> None:
    name = f"words-{uuid.uuid4().hex[:8]}.sql"
    upload(mist, name, SQL)
    endpoint = define(mist, path=name)
    shown = mist.http.get(f"/v2/api/endpoints/{endpoint}").json()
    assert shown["lang"] == "sql"
    assert shown["execute"] == {"word": {"type": "MAny"}, "count": {"type": "MAny"}}
    job = mist.run(endpoint, {"word": "' or 1 = 1; --", "count": 2})
    assert job["jobResult"]["result"] == [{"word": "' or 1 = 1; --", "id": 0}, {"word": "' or 1 = 1; --", "id": 1}]


def test_sql_without_one_of_its_parameters_is_refused(mist: Client) -> None:
    name = f"words-{uuid.uuid4().hex[:8]}.sql"
    upload(mist, name, SQL)
    endpoint = define(mist, path=name)
    answer = mist.http.post(f"/v2/api/endpoints/{endpoint}", json={"word": "a"})
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "count" in answer.json()["message"]


def test_the_example_of_sql_runs(mist: Client) -> None:
    job = mist.run("squares", {"count": 3})
    assert job["jobResult"] == {"result": [{"n": n, "square": n * n} for n in (0, 1, 2)]}


def test_a_jar_runs_in_the_same_driver_as_python(mist: Client, tmp_path: Path) -> None:
    name = f"jobs-{uuid.uuid4().hex[:8]}.jar"
    upload(mist, name, compiled(tmp_path, "one").read_bytes())
    wrong = {"name": f"e-{uuid.uuid4().hex[:8]}", "path": name, "className": "jobs.Nobody"}
    refused = mist.http.post("/v2/api/endpoints", json=wrong)
    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert "holds no class jobs.Nobody" in refused.json()["message"]
    endpoint = define(mist, path=name, className="jobs.Job", lang="scala")
    job = mist.run(endpoint, {"numbers": [1, 2]})
    assert job["jobResult"] == {"result": [2, 4], "version": "one"}
    assert job["workerId"] == mist.job(mist.start("whoami"))["context"]
