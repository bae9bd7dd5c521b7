"""Results that a job may return, and the text of its failures."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_driver.run.outcome import ResultError, causes, to_failure, to_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1}, '{"a":1}'),
        ({}, "{}"),
        ([1, "ü"], '{"result":[1,"ü"]}'),
        (None, '{"result":null}'),
        (True, '{"result":true}'),
        ({1: (2, 3)}, '{"1":[2,3]}'),
    ],
)
def test_an_object_is_the_result_and_anything_else_is_wrapped(value: object, text: str) -> None:
    assert to_json(value, 100) == text


def nested(depth: int, kind: type = list) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("nan"), "NaN or Infinity"),
        ({"a": [float("-inf")]}, "NaN or Infinity"),
        ({"a": object()}, "Object of type object is not JSON serializable"),
        ({(1, 2): 3}, "keys must be str"),
        ({1, 2}, "Object of type set is not JSON serializable"),
        (b"x", "Object of type bytes"),
        (nested(101), "nested deeper than 100 levels"),
        (nested(101, dict), "nested deeper than 100 levels"),
        (nested(50_000), "nested deeper than 100 levels"),
        ("\ud800", "a lone surrogate"),
        ("x" * 1_000_001, "the result is 1,000,014 bytes of JSON, the limit is 1,000,000"),
        ("ü" * 500_000, "the result is 1,000,013 bytes"),
    ],
)
def test_what_cannot_be_a_result_is_refused_with_the_limit(value: object, says: str) -> None:
    with pytest.raises(ResultError) as refused:
        to_json(value, 1_000_000)
    assert says in str(refused.value)


def test_what_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ResultError, match="holds itself"):
        to_json(value, 100)


def test_wide_and_just_deep_enough_is_taken() -> None:
    assert to_json({"a": [[[]]] * 200}, 10_000)
    assert to_json(nested(100), 10_000)


@given(st.recursive(st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])), st.lists))
def test_what_is_returned_comes_out_again(value: Any) -> None:
    assert json.loads(to_json(value, 10**6)) == {"result": value}


def failing(message: str) -> None:
    try:
        json.loads("{")
    except ValueError as error:
        raise KeyError(message) from error


def caught(message: str) -> KeyError:
    with pytest.raises(KeyError) as raised:
        failing(message)
    return raised.value


def test_only_the_jobs_own_frames_are_told_with_its_causes() -> None:
    failure = to_failure(caught("x"), __file__)
    assert failure.error == "KeyError: 'x'"
    assert 'File "test_outcome.py", line' in failure.traceback
    assert 'json.loads("{")' in failure.traceback
    assert "direct cause" in failure.traceback
    assert "decoder.py" not in failure.traceback
    assert to_failure(caught("x"), "/elsewhere.py").traceback.count("File") == 0


def test_a_long_message_is_cut_at_its_bytes() -> None:
    failure = to_failure(ValueError("ü" * 50_000), None)
    assert len(failure.error.encode()) <= 64_000
    assert failure.error.endswith("ü … (cut here)")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SystemExit(3), "SystemExit: the job called sys.exit(3)"),
        (SystemExit(), "SystemExit: the job called sys.exit()"),
        (KeyboardInterrupt(), "KeyboardInterrupt: the job was interrupted"),
        (ValueError("\ud800"), "ValueError: ?"),
        (ValueError(), "ValueError: "),
    ],
)
def test_errors_in_words(error: BaseException, text: str) -> None:
    assert to_failure(error, None).error.startswith(text)


def test_causes_end_even_in_a_circle() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__cause__ = second, first
    assert set(causes(first)) == {first, second}
