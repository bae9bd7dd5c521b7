"""Start requests of every door: the JSON of the original Mist, Avro records, and the sentence each bad input gets."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.errors import RefusalError
from mist_domain.facts.limits import MAX_DURATION, MAX_LABEL_BYTES, MAX_REQUEST_BYTES, MIN_PRIORITY
from mist_domain.facts.requests import CancelRequest, StartRequest
from mist_domain.wire import json_text
from mist_domain.wire.durations import format_duration, parse_duration
from mist_domain.wire.json_text import read_json, write_json
from mist_domain.wire.start_request import check_start_request, read_request, read_start_request


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
        ({"endpointId": "e", "priority": 2**31}, "whole number"),
        ({"endpointId": "e", "externalId": "ü" * 501}, "'externalId' is longer than 1000 bytes"),
        ({"endpointId": "e", "startTimeout": "9" * 400 + "d"}, "'startTimeout' must be a duration"),
        ({"endpointId": "e", "parameters": {"n": "x" * 600_000}}, "at most 512000 are allowed"),
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


class CountedKey(str):
    """A key that counts how often it is compared."""

    __slots__ = ()
    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedKey.comparisons += 1
        return str.__eq__(self, other)


def test_a_repeated_key_among_very_many_is_found_in_one_pass() -> None:
    """A stranger's object of 100,000 keys holds nobody: the comparisons grow with the keys, not with their square."""
    keys = [f"k{number}" for number in range(100_000)]
    text = "{" + ",".join(f'"{key}":0' for key in [*keys, keys[-1]]) + "}"
    with pytest.raises(RefusalError, match="'k99999' stands twice"):
        read_json(text)
    CountedKey.comparisons = 0
    with pytest.raises(RefusalError, match="'k99999' stands twice"):
        json_text._unique_keys([(CountedKey(key), 0) for key in [*keys, keys[-1]]])
    assert CountedKey.comparisons < 2 * len(keys)


def test_depth_is_looked_at_once_for_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the depth is linear, too: each list and object is opened once."""
    opened = 0
    children: Callable[[Any], list[Any]] = json_text._children

    def counted(value: Any) -> list[Any]:
        nonlocal opened
        opened += 1
        return children(value)

    monkeypatch.setattr(json_text, "_children", counted)
    value: list[Any] = [[[]] * 1_000] * 30
    assert read_json(write_json(value)) == value
    assert opened == 1 + 30 + 30_000


def avro(**changes: Any) -> StartRequest:
    return StartRequest(**({"endpoint": "e", "source": "theirs"} | changes))


@pytest.mark.parametrize(
    "parameters", ["[1]", "nonsense", '"text"', "{" * 600_000, '{"a":1,"a":2}', '{"a":NaN}', r'{"a":"\ud800"}']
)
def test_parameters_that_are_no_object_are_refused(parameters: str) -> None:
    with pytest.raises(RefusalError, match="'parameters'"):
        check_start_request(avro(parameters=parameters))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"worker_id": "../x"}, "bad_workerId"),
        ({"external_id": "x" * (MAX_LABEL_BYTES + 1)}, "bad_externalId"),
        ({"request_id": "x" * (MAX_LABEL_BYTES + 1)}, "bad_requestId"),
        ({"endpoint": "x" * (MAX_LABEL_BYTES + 1)}, "bad_endpointId"),
        ({"context": "x" * (MAX_LABEL_BYTES + 1)}, "bad_contextId"),
        ({"source": "x" * (MAX_LABEL_BYTES + 1)}, "bad_source"),
        ({"start_timeout": -1}, "bad_startTimeout"),
        ({"perform_timeout": MAX_DURATION + 1}, "bad_performTimeout"),
        ({"priority": MIN_PRIORITY - 1}, "bad_priority"),
    ],
)
def test_an_avro_request_is_held_to_the_rules_of_json(changes: dict[str, Any], code: str) -> None:
    """A stranger's record may hold any text and number; each field out of its range is refused by its own code."""
    with pytest.raises(RefusalError) as refused:
        check_start_request(avro(**changes))
    assert refused.value.code == code


def test_the_parameters_of_an_avro_request_become_canonical_json() -> None:
    """All of Mist keeps one compact text, whatever spaces and escapes its client wrote."""
    assert check_start_request(avro(parameters=r'{ "n" : [1, 2], "t": "\u00fc" }')).parameters == '{"n":[1,2],"t":"ü"}'


def test_a_record_is_json_when_it_begins_with_a_brace_and_else_what_the_codec_reads() -> None:
    """Kafka's door: JSON gets its source, a record that is no request is refused, a cancel is passed on."""
    read: list[bytes] = []

    def decode(value: bytes) -> object:
        read.append(value)
        return {b"start": avro(), b"cancel": cancel}.get(value, "text")

    cancel = CancelRequest(job_id="j", requested_by="u", reason="r")
    request = read_request(b' {"endpointId": "e"}', decode)
    assert isinstance(request, StartRequest)
    assert (request.source, read) == ("Async Kafka", [])
    assert read_request(b"start", decode) == avro()
    assert read_request(b"cancel", decode) == cancel
    with pytest.raises(RefusalError, match="a str is no request"):
        read_request(b"else", decode)
    with pytest.raises(RefusalError, match="at most 512000 are allowed"):
        read_request(b"x" * (MAX_REQUEST_BYTES + 1), decode)


FIELDS = ("endpointId", "functionId", "parameters", "runSettings", "contextId", "mode", "workerId", "requestId",
          "externalId", "startTimeout", "performTimeout", "priority")  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["e", "9" * 400 + "d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_object_at_all_raises_anything_but_a_refusal(body: dict[str, Any]) -> None:
    """Whatever a stranger writes into the fields is that request's fault alone."""
    try:
        read_start_request(json.dumps(body).encode(), "Async Kafka")
    except RefusalError:
        return


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
