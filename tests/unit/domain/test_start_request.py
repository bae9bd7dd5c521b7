"""The seed's JSON start request: what is read, and the one sentence that each bad input gets."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.errors import RefusalError
from mist_domain.facts.requests import StartRequest
from mist_domain.wire.durations import format_duration, parse_duration
from mist_domain.wire.json_text import read_json
from mist_domain.wire.start_request import read_start_request


def read(body: object) -> StartRequest:
    return read_start_request(json.dumps(body).encode(), "Async Kafka")


def test_the_specification_s_request_is_read_whole() -> None:
    request = read(
        {
            "endpointId": "e",
            "parameters": {"n": [1, 2]},
            "externalId": "my-1",
            "requestId": "r-1",
            "runSettings": {"contextId": "c", "mode": "exclusive", "workerId": "w"},
            "startTimeout": "10s",
            "unknown": "ignored",
        }
    )
    assert request == StartRequest(
        request_id="r-1",
        endpoint="e",
        parameters='{"n":[1,2]}',
        context="c",
        mode="exclusive",
        worker_id="w",
        external_id="my-1",
        source="Async Kafka",
        start_timeout=10_000,
    )


def test_function_id_is_accepted_and_missing_parameters_are_none() -> None:
    request = read({"functionId": "f", "runSettings": {"mode": "exlusive"}})
    assert (request.endpoint, request.parameters, request.mode) == ("f", "{}", "exclusive")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "JSON object"),
        ({}, "endpointId"),
        ({"endpointId": 7}, "'endpointId' must be a string"),
        ({"endpointId": "e", "parameters": [1]}, "'parameters' must be a JSON object"),
        ({"endpointId": "e", "runSettings": {"mode": "fast"}}, "'shared' or 'exclusive'"),
        ({"endpointId": "e", "runSettings": {"workerId": "../x"}}, "'workerId'"),
        ({"endpointId": "e", "performTimeout": "soon"}, "'performTimeout' must be a duration"),
        ({"endpointId": "e", "priority": 1.5}, "whole number"),
    ],
)
def test_what_is_no_start_request_is_told_by_field(body: Any, told: str) -> None:
    with pytest.raises(RefusalError, match=told):
        read(body)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"a":', "malformed at line 1"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1, "a": 2}', "'a' stands twice"),
        (b'{"a": "\xff"}', "not valid UTF-8"),
        (b"[" * 1_000 + b"]" * 1_000, "nested deeper than 100"),
        (b"[" * 100_000, "nested deeper than 100"),
        (b"", "malformed"),
        (b'{"a": 1e999}', "1e999 is greater"),
        (b"9" * 5_000, "too many digits"),
        (rb'{"a": "\ud800"}', "half a surrogate pair"),
    ],
)
def test_json_that_is_not_as_it_should_be_gets_one_clear_sentence(text: bytes, told: str) -> None:
    with pytest.raises(RefusalError, match=told) as refused:
        read_json(text)
    assert "\n" not in refused.value.message


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise_anything_but_a_refusal(text: bytes) -> None:
    try:
        request = read_start_request(text, "Async Kafka")
    except RefusalError:
        return
    assert isinstance(json.loads(request.parameters), dict)


@pytest.mark.parametrize(
    ("text", "duration"),
    [("10s", 10_000), ("500ms", 500), ("5m", 300_000), ("1.5h", 5_400_000), ("2 days", 172_800_000), ("Inf", None)],
)
def test_durations_are_read_as_clients_write_them(text: str, duration: int | None) -> None:
    assert parse_duration(text) == duration
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["abc", "-1s", "10", "", "1e3s"])
def test_what_is_no_duration_is_told_what_is(text: str) -> None:
    with pytest.raises(ValueError, match="a duration such as"):
        parse_duration(text)
