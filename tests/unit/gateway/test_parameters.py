"""Queries, headers and names are read strictly; a refusal names the parameter and what is allowed."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from mist_domain.facts.registry import Context, Endpoint
from mist_gateway.http import validation
from mist_gateway.http.dependencies import Page
from support.door import SIGNATURE, FakeGateway

ENDPOINT = Endpoint(name="e", path="file:///e.py", class_name="e", signature=SIGNATURE)
START = "/v2/api/endpoints/e"


@pytest.fixture
def gateway() -> FakeGateway:
    gateway = FakeGateway()
    gateway.define(ENDPOINT)
    return gateway


@pytest.fixture
async def http(gateway: FakeGateway) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.client() as client:
        yield client


def read(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize("text", ["true", "True", "YES", "1", "on"])
def test_truth_in_any_case(text: str) -> None:
    assert read(validation.Flag, text) is True


@pytest.mark.parametrize("text", ["false", "FALSE", "no", "0", "off"])
def test_falsehood_in_any_case(text: str) -> None:
    assert read(validation.Flag, text) is False


def test_a_page_has_defaults_and_a_largest_limit() -> None:
    pages = [Page(), Page.model_validate({"limit": "5000", "offset": "3"}), Page.model_validate({"limit": "0"})]
    assert [(page.offset, page.limit) for page in pages] == [(0, 25), (3, 1000), (0, 0)]


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=x", "offset=-1", "offset=1.5", "limit=", "limit=٣", "limit=1_0", "offset=%2B1",
              "limit=" + "9" * 19],
)  # fmt: skip
async def test_a_page_that_is_no_number_is_refused_by_name(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(f"/v2/api/jobs?{query}")
    name = query.split("=", maxsplit=1)[0]
    assert (answer.status_code, answer.json()["error"]) == (httpx.codes.BAD_REQUEST, f"bad_{name}")
    assert f"{name} is '" in answer.json()["message"]
    assert "it must be a whole number, 0 or more." in answer.json()["message"]


@pytest.mark.parametrize(
    ("text", "status"),
    [("queued", "queued"), ("cancelled", "canceled"), ("Running", "started"), ("Stopped", "finished"),
     ("Aborted", "canceled"), ("Error", "failed"), ("Initialized", "initialized"), ("Queued", "queued")],
)  # fmt: skip
def test_old_words_for_a_status_are_understood(text: str, status: str) -> None:
    assert read(validation.StatusWord, text) == status


async def test_a_status_may_be_repeated_and_an_unknown_one_is_named(http: httpx.AsyncClient) -> None:
    for path in ("/v2/api/jobs", "/v2/api/workers/w/jobs", f"{START}/jobs"):
        answer = await http.get(f"{path}?status=queued&status=asleep")
        assert answer.json()["error"] == "bad_status"
        assert answer.json()["message"].startswith("status is 'asleep'; it must be one of initialized, queued")


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "x" * 129, "ä"])
def test_a_name_plays_no_tricks(name: str) -> None:
    with pytest.raises(ValidationError):
        read(validation.NameParameter, name)


@pytest.mark.parametrize("path", ["endpoints/a%20b", "contexts/%2E%2E", "artifacts/%C3%A4", "endpoints/%2E/jobs"])
async def test_a_bad_name_in_a_path_is_refused(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(f"/v2/api/{path}")
    assert (answer.status_code, answer.json()["error"]) == (httpx.codes.BAD_REQUEST, "bad_name")
    assert "it must be 1 to 128 letters" in answer.json()["message"]


def test_durations_are_milliseconds() -> None:
    assert read(validation.Duration, "10s") == 10_000
    assert read(validation.Duration, "Inf") is None


async def test_a_duration_that_is_none_is_refused_by_name(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{START}?startTimeout=soon", json={"numbers": []})
    assert answer.json()["error"] == "bad_startTimeout"
    assert answer.json()["message"].startswith("startTimeout is 'soon'; it must be a duration such as")


async def test_everything_that_is_wrong_is_named_at_once(http: httpx.AsyncClient, gateway: FakeGateway) -> None:
    query = "context=a/b&mode=both&workerId=..&performTimeout=-1s&force=maybe&timeout=x"
    answer = await http.post(f"{START}?{query}", json={"numbers": []})
    assert answer.status_code == httpx.codes.BAD_REQUEST
    for name in ("context", "mode", "workerId", "performTimeout", "force", "timeout"):
        assert f"{name} is '" in answer.json()["message"]
    assert gateway.requests == []


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_an_idempotency_key_has_1_to_255_characters(http: httpx.AsyncClient, key: str) -> None:
    answer = await http.post(START, json={"numbers": []}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["error"]) == (httpx.codes.BAD_REQUEST, "bad_key")
    assert "it must be 1 to 255 characters" in answer.json()["message"]


async def test_the_options_of_a_start_reach_the_request(http: httpx.AsyncClient, gateway: FakeGateway) -> None:
    query = "context=c&mode=exlusive&workerId=w&externalId=%C3%A4&startTimeout=10s&performTimeout=Inf"
    big = b'{"numbers":[123456789012345678901234567890]}'
    answer = await http.post(f"{START}?{query}", content=big, headers={"Idempotency-Key": "k"})
    assert answer.headers["idempotency-key"] == "k"
    (request,) = gateway.requests
    assert (request.context, request.mode, request.worker_id, request.external_id) == ("c", "exclusive", "w", "ä")
    assert (request.start_timeout, request.perform_timeout, request.request_id) == (10_000, None, "k")
    assert request.parameters == big.decode()


async def test_with_force_the_wait_has_a_limit(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{START}?force=true&timeout=1ms", json={"numbers": []})
    assert (answer.status_code, answer.json()["error"]) == (httpx.codes.GATEWAY_TIMEOUT, "still_running")
    assert answer.json()["id"] in answer.json()["message"]


@pytest.mark.parametrize(
    "body",
    [b'{"name":"c","name":"d"}', b'{"name":"c","maxJobs":NaN}', '{"name":"c"}'.encode("utf-16"),
     b'{"name":"c","runOptions":"\\ud800"}', b'{"name":"c","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
     b'{"name":"c","maxJobs":' + b"9" * 5000 + b"}"],
)  # fmt: skip
async def test_a_body_is_strict_json(http: httpx.AsyncClient, body: bytes) -> None:
    """Repeated keys, NaN, UTF-16, half surrogates, depth and endless numbers never reach a model."""
    for path in ("contexts", "endpoints"):
        answer = await http.post(f"/v2/api/{path}", content=body)
        assert (answer.status_code, answer.json()["error"]) == (httpx.codes.BAD_REQUEST, "bad_json")


async def test_before_it_is_ready_the_api_says_why(http: httpx.AsyncClient, gateway: FakeGateway) -> None:
    gateway.reason = "Mist is starting."
    for path in ("endpoints", "jobs", "contexts/c", "workers", "artifacts", "status"):
        answer = await http.get(f"/v2/api/{path}")
        assert (answer.status_code, answer.json()["message"]) == (httpx.codes.SERVICE_UNAVAILABLE, gateway.reason)
        assert answer.headers["retry-after"] == "2"


async def test_a_failure_is_answered_without_its_trace(http: httpx.AsyncClient, gateway: FakeGateway) -> None:
    gateway.define(Context(name="c", max_jobs=None))  # type: ignore[arg-type]
    answer = await http.get("/v2/api/contexts/c")
    assert (answer.status_code, answer.json()["error"]) == (httpx.codes.INTERNAL_SERVER_ERROR, "internal")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("text", ["t", "y", "f", "n", "", "2"])
async def test_a_boolean_has_the_words_that_the_refusal_names(http: httpx.AsyncClient, text: str) -> None:
    answer = await http.get("/v2/api/jobs", params={"paginate": text})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_paginate")


async def test_a_query_that_is_wrong_many_times_is_refused_in_a_few_sentences(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v2/api/jobs?" + "&".join(["status=x"] * 5_000))
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_status")
    assert answer.json()["message"].endswith("And 4990 more.")
