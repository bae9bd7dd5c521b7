"""The OpenAPI document and the answers of a running gateway are the same thing."""

from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from mist_domain.facts.hosts import Worker
from support import facts
from support.gateway_world import Log, beginning, eventually, life, new_id


@pytest.fixture
async def document(http: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await http.get("/openapi.json")).json())


@pytest.fixture
async def names(http: httpx.AsyncClient, log: Log, tmp_path: Path) -> dict[str, str]:
    """An endpoint, a job that is over and one that runs in a worker, as parameters of paths."""
    (tmp_path / "job.py").write_text("def job(n: int): ...")
    endpoint, host = await log.endpoint(), f"host-{new_id()}"
    done, running = new_id(), new_id()
    await log.tell(
        *life(done, endpoint, external_id="x", worker_id_prefix="p", start_timeout=1), facts.failed(job_id=done)
    )
    steps = beginning(running, endpoint)
    await log.host(
        facts.host_state(
            host, workers=(Worker(worker_id="default", context="default", mode="shared", state="busy", pid=1),)
        )
    )
    await log.tell(*steps[:2], facts.assigned(job_id=running, host=host), facts.started(job_id=running, host=host))

    async def known() -> bool:
        return (await http.get(f"/v2/api/jobs/{running}/worker")).status_code == httpx.codes.OK

    await eventually("the job's worker is known", known)
    return {"name": endpoint, "done": done, "running": running, "path": f"file://{tmp_path}/job.py"}


def questions(names: dict[str, str]) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Method, path of the document, path asked for, and more of the request; in an order that works."""
    endpoint = {"name": f"e-{new_id()}", "path": names["path"], "className": "job"}
    context, artifact = f"c-{new_id()}", f"a{new_id()}.py"
    by_name, jobs = "/v2/api/endpoints/{name}", "/v2/api/jobs/{job_id}"
    contexts, artifacts = "/v2/api/contexts", "/v2/api/artifacts"
    started, made = f"/v2/api/endpoints/{names['name']}", f"/v2/api/endpoints/{endpoint['name']}"
    return [
        ("post", by_name, started, {"json": {"numbers": [1]}}),
        ("post", by_name, started, {"json": {"numbers": ["a"]}}),
        ("post", by_name, f"{started}?force=true&timeout=1ms", {"json": {"numbers": [1]}}),
        ("get", f"{by_name}/jobs", f"{started}/jobs", {}),
        ("get", f"{by_name}/jobs", f"{started}/jobs?limit=x", {}),
        ("get", by_name, started, {}),
        ("post", "/v2/api/endpoints", "/v2/api/endpoints", {"json": endpoint}),
        ("post", "/v2/api/endpoints", "/v2/api/endpoints", {"json": endpoint}),
        ("put", "/v2/api/endpoints", "/v2/api/endpoints", {"json": endpoint | {"retries": 1}}),
        ("get", "/v2/api/endpoints", "/v2/api/endpoints", {}),
        ("delete", by_name, made, {}),
        ("delete", by_name, made, {}),
        ("get", "/v2/api/jobs", "/v2/api/jobs?limit=100", {}),
        ("get", "/v2/api/jobs", "/v2/api/jobs?paginate=1&status=finished", {}),
        ("get", "/v2/api/jobs", "/v2/api/jobs?status=asleep", {}),
        ("get", jobs, f"/v2/api/jobs/{names['done']}", {}),
        ("get", jobs, "/v2/api/jobs/nobody", {}),
        ("get", f"{jobs}/events", f"/v2/api/jobs/{names['done']}/events", {}),
        ("get", f"{jobs}/logs", f"/v2/api/jobs/{names['done']}/logs", {}),
        ("get", f"{jobs}/worker", f"/v2/api/jobs/{names['running']}/worker", {}),
        ("get", f"{jobs}/worker", f"/v2/api/jobs/{names['done']}/worker", {}),
        ("delete", jobs, f"/v2/api/jobs/{names['done']}", {}),
        ("get", "/v2/api/workers", "/v2/api/workers", {}),
        ("get", "/v2/api/workers/{worker_id}", "/v2/api/workers/default", {}),
        ("get", "/v2/api/workers/{worker_id}/jobs", "/v2/api/workers/default/jobs", {}),
        ("delete", "/v2/api/workers/{worker_id}", "/v2/api/workers/nobody", {}),
        ("post", contexts, contexts, {"json": {"name": context, "downtime": "5s"}}),
        ("put", contexts, contexts, {"json": {"name": context, "spares": 1}}),
        ("put", contexts, contexts, {"json": {"name": context, "spare": 1}}),
        ("get", contexts, contexts, {}),
        ("get", f"{contexts}/{{name}}", f"{contexts}/{context}", {}),
        ("delete", f"{contexts}/{{name}}", f"{contexts}/{context}", {}),
        ("post", artifacts, artifacts, {"files": {"file": (artifact, b"a = 1")}}),
        ("post", artifacts, artifacts, {"files": {"file": (artifact, b"a = 2")}}),
        ("get", artifacts, artifacts, {}),
        ("get", f"{artifacts}/{{name}}", f"{artifacts}/{artifact}", {}),
        ("get", f"{artifacts}/{{name}}/sha", f"{artifacts}/{artifact}/sha", {}),
        ("delete", f"{artifacts}/{{name}}", f"{artifacts}/{artifact}", {}),
        *(("get", path, path, {}) for path in ("/v2/api/status", "/asyncapi.json", "/livez", "/readyz", "/metrics")),
    ]


async def test_every_route_answers_as_its_documentation_says(
    http: httpx.AsyncClient, document: dict[str, Any], names: dict[str, str]
) -> None:
    """Each route is asked, errors too; status, content type and JSON of each answer are documented."""
    asked = set()
    for method, template, path, request in questions(names):
        asked.add((method, template))
        answer = await http.request(method, path, **request)
        responses = document["paths"][template][method]["responses"]
        assert str(answer.status_code) in responses, (method, path, answer.text)
        content = responses[str(answer.status_code)].get("content", {})
        if answer.content:
            assert answer.headers["content-type"].split(";")[0] in content, (method, path)
        check(document, content.get("application/json", {}).get("schema", {}), answer)
    documented = {(method, path) for path, operations in document["paths"].items() for method in operations}
    assert asked == documented


def check(document: dict[str, Any], schema: dict[str, Any], answer: httpx.Response) -> None:
    if schema:
        jsonschema.Draft202012Validator(schema | {"components": document["components"]}).validate(answer.json())


def test_a_wrong_answer_is_noticed() -> None:
    """The check above fails on a field of the wrong kind."""
    schema = {"$ref": "#/components/schemas/A"}
    components = {"schemas": {"A": {"type": "object", "properties": {"n": {"type": "integer"}}}}}
    with pytest.raises(jsonschema.ValidationError):
        check({"components": components}, schema, httpx.Response(200, json={"n": "x"}))


async def test_every_example_fits_its_own_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert schema["examples"], name
        for example in schema["examples"]:
            check(document, schema, httpx.Response(200, json=example))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                if "example" in media:
                    jsonschema.Draft202012Validator(media["schema"]).validate(media["example"])
            assert operation["description"].endswith("."), (method, path)
            assert "422" not in operation["responses"], (method, path)


async def test_documented_parameters_are_those_that_are_read(document: dict[str, Any]) -> None:
    start = document["paths"]["/v2/api/endpoints/{name}"]["post"]
    assert [parameter["name"] for parameter in start["parameters"]] == [
        "name", "Idempotency-Key", "context", "mode", "workerId", "externalId", "startTimeout", "performTimeout",
        "force", "timeout",
    ]  # fmt: skip
    assert all(parameter["description"] for parameter in start["parameters"])
