"""Endpoints and contexts over REST: what can be written can be read, and a change keeps what it leaves out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mist_domain.facts.registry import Context, Endpoint
from mist_gateway.http.registry_models import ContextFields, EndpointFields
from support.door import FakeGateway

CONTEXTS, ENDPOINTS = "/v2/api/contexts", "/v2/api/endpoints"


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    (tmp_path / "job.py").write_text("def job(n: int): ...")
    return Endpoint(
        name="e",
        path=f"file://{tmp_path}/job.py",
        class_name="job",
        default_context="big",
        tags=("a",),
        signature='{"n":{"type":"MInt"}}',
        retries=3,
        start_timeout=10_000,
        perform_timeout=90_500,
    )


CONTEXT = Context(
    name="c", spark_conf={"spark.master": "local[1]"}, max_jobs=3, downtime=None, precreated=True, spares=2,
    run_options="-x", worker_mode="exclusive", streaming_duration=500, start_timeout=1_000, perform_timeout=2_000,
    max_queued=7,
)  # fmt: skip


@pytest.fixture
def gateway(endpoint: Endpoint) -> FakeGateway:
    gateway = FakeGateway()
    gateway.define(endpoint, CONTEXT)
    return gateway


@pytest.fixture
async def http(gateway: FakeGateway) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.client() as client:
        yield client


async def test_a_changed_endpoint_keeps_what_the_change_leaves_out(
    http: httpx.AsyncClient, gateway: FakeGateway, endpoint: Endpoint
) -> None:
    answer = await http.put(ENDPOINTS, json={"name": "e", "tags": ["b"], "retries": None})
    assert answer.status_code == httpx.codes.OK
    known = gateway.projection.registry.endpoints["e"]
    assert (known.retries, known.start_timeout, known.perform_timeout) == (3, 10_000, 90_500)
    assert (known.path, known.class_name, known.default_context, known.tags) == (
        endpoint.path, "job", "big", ("b",),
    )  # fmt: skip


async def test_read_change_write_loses_nothing(
    http: httpx.AsyncClient, gateway: FakeGateway, endpoint: Endpoint
) -> None:
    for path in (f"{ENDPOINTS}/e", f"{CONTEXTS}/c"):
        document = (await http.get(path)).json()
        written = await http.put(path.rsplit("/", 1)[0], json=document)
        assert (written.status_code, written.json()) == (httpx.codes.OK, document)
    registry = gateway.projection.registry
    assert (registry.endpoints["e"], registry.contexts["c"]) == (endpoint, CONTEXT)


@pytest.mark.parametrize(
    ("path", "fields", "old"),
    [
        (f"{ENDPOINTS}/e", EndpointFields, set()),
        (f"{CONTEXTS}/c", ContextFields, {"maxParallelJobs", "maxConnFailures"}),
    ],
)
async def test_every_field_that_can_be_written_is_shown(
    http: httpx.AsyncClient, path: str, fields: type[EndpointFields | ContextFields], old: set[str]
) -> None:
    writable = {field.alias for field in fields.model_fields.values()} - old - {"problem"}
    assert set((await http.get(path)).json()) == writable


async def test_an_unknown_field_of_an_endpoint_is_refused_and_the_known_ones_named(
    http: httpx.AsyncClient, endpoint: Endpoint
) -> None:
    body = {"name": "new", "path": endpoint.path, "className": "job", "retrys": 3}
    for ask in (http.post, http.put):
        answer = await ask(ENDPOINTS, json=body)
        assert (answer.status_code, answer.json()["error"]) == (httpx.codes.BAD_REQUEST, "bad_field")
        assert answer.json()["message"].startswith("endpoint 'new': there is no field 'retrys'; there are className, ")
        assert "retries" in answer.json()["message"]


async def test_a_new_context_starts_from_the_default_and_a_changed_one_from_itself(
    http: httpx.AsyncClient, gateway: FakeGateway
) -> None:
    gateway.define(Context(name="default", max_jobs=9, max_queued=8))
    made = (await http.post(CONTEXTS, json={"name": "c", "maxQueued": 5})).json()
    assert (made["maxJobs"], made["maxQueued"], made["spares"]) == (9, 5, 0)
    changed = (await http.put(CONTEXTS, json={"name": "c", "spares": 1})).json()
    assert changed == made | {"spares": 1}


async def test_fields_of_the_originals_clients_are_understood(http: httpx.AsyncClient) -> None:
    body = {
        "name": "c",
        "maxParallelJobs": 4,
        "maxConnFailures": 1,
        "streamingDuration": "Inf",
        "workerMode": "exlusive",
    }
    made = (await http.post(CONTEXTS, json=body)).json()
    assert (made["maxJobs"], made["streamingDuration"], made["workerMode"]) == (4, "1s", "exclusive")
    both = (await http.post(CONTEXTS, json=body | {"maxJobs": 5})).json()
    assert both["maxJobs"] == 5


async def test_fields_without_effect_say_so(http: httpx.AsyncClient) -> None:
    schema: dict[str, Any] = (await http.get("/openapi.json")).json()["components"]["schemas"]["ContextDocument"]
    for name in ("runOptions", "streamingDuration"):
        assert "no effect" in schema["properties"][name]["description"]


async def test_a_new_path_brings_its_language_along(http: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "job.sql").write_text("select :n")
    changed = (await http.put(ENDPOINTS, json={"name": "e", "path": f"file://{tmp_path}/job.sql"})).json()
    assert (changed["lang"], changed["execute"]) == ("sql", {"n": {"type": "MAny"}})
    kept = await http.put(ENDPOINTS, json={"name": "e", "lang": "scala"})
    assert "it must be sql for the path" in kept.json()["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {f"f{number}": 0 for number in range(20_000)},
        {"sparkConf": {f"f{number}": None for number in range(20_000)}},
        {"sparkConf": {"k" * 400_000: None}},
    ],
    ids=["unknown fields", "bad settings", "a long name"],
)
async def test_a_refusal_stays_short_whatever_is_wrong(http: httpx.AsyncClient, fields: dict[str, Any]) -> None:
    """Its cost must not grow with the square of what a stranger sends, nor its text with the sending."""
    answer = await http.put(CONTEXTS, json={"name": "c"} | fields)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_field")
    assert len(answer.text) < 4_000


async def test_the_name_that_sql_gets_is_no_name_in_another_language(http: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("select 1")
    (tmp_path / "job.py").write_text("def job(): ...")
    made = await http.post(ENDPOINTS, json={"name": "q", "path": f"file://{tmp_path}/q.sql"})
    assert made.status_code == httpx.codes.OK, made.text
    changed = await http.put(ENDPOINTS, json={"name": "q", "path": f"file://{tmp_path}/job.py"})
    assert changed.json()["message"] == "endpoint 'q': className is missing; it must be a string."
    named = await http.put(ENDPOINTS, json={"name": "q", "path": f"file://{tmp_path}/job.py", "className": "job"})
    assert (named.status_code, named.json()["lang"]) == (200, "python")
