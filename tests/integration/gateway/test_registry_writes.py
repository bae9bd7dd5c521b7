"""Endpoints and contexts written over REST: there when they are answered, refused in words."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from support.gateway_world import new_id


@pytest.fixture
def endpoint(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "job.py").write_text("def job(n: int): ...")
    return {"name": f"e-{new_id()}", "path": f"file://{tmp_path}/job.py", "className": "job"}


async def test_an_endpoint_lives_from_post_to_delete(
    http: httpx.AsyncClient, endpoint: dict[str, Any], tmp_path: Path
) -> None:
    path = f"/v2/api/functions/{endpoint['name']}"
    assert (await http.put("/v2/api/endpoints", json=endpoint)).status_code == httpx.codes.NOT_FOUND
    made = await http.post("/v2/api/functions?force=False", json=endpoint)
    assert made.status_code == httpx.codes.OK
    assert made.json() == (await http.get(path)).json()
    assert made.json()["execute"] == {"n": {"type": "MInt"}}
    assert (await http.post("/v2/api/endpoints", json=endpoint)).status_code == httpx.codes.CONFLICT
    (tmp_path / "job.py").write_text("def job(m: str): ...")
    changed = await http.put("/v2/api/endpoints", json=endpoint)
    assert changed.json()["execute"] == {"m": {"type": "MString"}}
    assert (await http.post(path, json={"m": "x"})).status_code == httpx.codes.OK
    assert (await http.delete(path)).json() == changed.json()
    assert (await http.get(path)).status_code == httpx.codes.NOT_FOUND
    assert (await http.delete(path)).status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "a/b"}, "name is 'a/b'"),
        ({"path": ""}, "path is ''"),
        ({"path": "file:///no.py"}, "file:///no.py does not exist; force=true"),
        ({"className": "nobody"}, "nobody"),
        ({"unknown": 1}, "there is no field 'unknown'; there are className"),
        ({"defaultContext": 3}, "defaultContext is '3'; it must be a string"),
        ({"lang": "scala"}, "lang is 'scala'; it must be python for the path"),
    ],
)
async def test_a_bad_endpoint_is_refused(
    http: httpx.AsyncClient, endpoint: dict[str, Any], changes: dict[str, Any], says: str
) -> None:
    answer = await http.post("/v2/api/endpoints", json=endpoint | changes)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert says in answer.json()["message"]


async def test_force_takes_an_endpoint_that_cannot_be_read_and_shows_the_problem(
    http: httpx.AsyncClient, endpoint: dict[str, Any]
) -> None:
    answer = await http.post("/v2/api/endpoints?force=true", json=endpoint | {"path": "file:///no.py"})
    assert answer.status_code == httpx.codes.OK
    assert answer.json()["problem"] == "file:///no.py does not exist."


async def test_a_context_lives_from_post_to_delete(http: httpx.AsyncClient) -> None:
    name = f"c-{new_id()}"
    assert (await http.put("/v2/api/contexts", json={"name": name})).status_code == httpx.codes.NOT_FOUND
    made = (await http.post("/v2/api/contexts", json={"name": name})).json()
    assert (made["maxJobs"], made["workerMode"], made["downtime"]) == (20, "shared", "3600s")
    changed = (await http.put("/v2/api/contexts", json={"name": name, "downtime": "Inf", "maxJobs": 2})).json()
    assert (changed["maxJobs"], changed["downtime"]) == (2, "Inf")
    assert (await http.get(f"/v2/api/contexts/{name}")).json() == changed
    assert (await http.delete(f"/v2/api/contexts/{name}")).json() == changed
    assert (await http.get(f"/v2/api/contexts/{name}")).status_code == httpx.codes.NOT_FOUND


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"name":"default"}', "'default' cannot"),
        (b'{"name":"c","maxJobs":0}', "maxJobs is '0'"),
        (b'{"name":"c","maxJobs":-1}', "maxJobs is '-1'"),
        (b'{"name":"c","maxJob":1}', "there is no field 'maxJob'; there are downtime, maxConnFailures, maxJobs"),
        (b'{"name":"c","downtime":"abc"}', "downtime is 'abc'"),
        (b'{"name":"a/b"}', "name is 'a/b'"),
        (b'{"name":".."}', "name is '..'"),
        (b'{"name":"' + b"c" * 200 + b'"}', "128"),
        (b'{"maxJobs":1}', "name is missing"),
        (b"[]", "JSON object"),
        (b"{", "malformed"),
    ],
)
async def test_a_bad_context_is_refused(http: httpx.AsyncClient, body: bytes, says: str) -> None:
    answer = await http.post("/v2/api/contexts", content=body)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert says in answer.json()["message"]
    assert (await http.delete("/v2/api/contexts/default")).status_code == httpx.codes.BAD_REQUEST
