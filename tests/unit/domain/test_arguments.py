"""Arguments against a signature: all problems at once, in words; what reaches the job."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.signatures.arguments import check_arguments, known_arguments
from mist_domain.signatures.reader import read_signature


def check(parameter: str, **arguments: Any) -> list[str]:
    return check_arguments(read_signature(f"def job({parameter}): ...", "job"), arguments)


RIGHT = [
    ("n: int", 1),
    ("n: int", -(10**40)),
    ("n: float", 1),
    ("n: float", 1.5),
    ("n: str", ""),
    ("n: bool", False),
    ("n: list[int]", []),
    ("n: list[float]", [1, 2.5]),
    ("n: list", [1, "x", None, {}]),
    ("n: dict[str, int]", {"a": 1}),
    ("n: dict", {"a": None}),
    ("n: int | None", None),
    ("n: int = 1", None),
    ("n", None),
    ("n", {"anything": [1]}),
    ("n: list[int | None]", [1, None]),
]

WRONG = [
    ("n: int", True, '"n" must be an integer, not true'),
    ("n: int", 1.0, '"n" must be an integer, not 1.0'),
    ("n: int", "1", '"n" must be an integer, not the string "1"'),
    ("n: int", None, '"n" is missing: an integer is needed'),
    ("n: float", False, '"n" must be a number, not false'),
    ("n: str", 5, '"n" must be a string, not 5'),
    ("n: str", 10**20, '"n" must be a string, not a number'),
    ("n: bool", 0, '"n" must be a boolean, not 0'),
    ("n: list[int]", 5, '"n" must be a list of integers, not 5'),
    ("n: list[int]", [1, "x"], '"n"[1] must be an integer, not the string "x"'),
    ("n: list[int]", [None], '"n"[0] must be an integer, not null'),
    ("n: list[list[str]]", [["a"], [1]], '"n"[1][0] must be a string, not 1'),
    ("n: list[list[str]]", {}, '"n" must be a list of lists of strings, not an object'),
    ("n: dict[str, int]", {"k": "v"}, '"n".k must be an integer, not the string "v"'),
    ("n: dict[str, int]", [], '"n" must be an object of integers, not a list'),
    ("n: dict", [], '"n" must be an object, not a list'),
    ("n: list", "x" * 50, f'"n" must be a list, not the string "{"x" * 40}…"'),
    ("n: int = 1", "x", '"n" must be an integer, not the string "x"'),
    ("n: list[int | None]", "x", '"n" must be a list of integers or nulls, not the string "x"'),
    ("n: dict[str, list[int]]", 1, '"n" must be an object of lists of integers, not 1'),
]


@pytest.mark.parametrize(("parameter", "value"), RIGHT)
def test_a_right_argument(parameter: str, value: object) -> None:
    assert check(parameter, n=value) == []


@pytest.mark.parametrize(("parameter", "value", "says"), WRONG)
def test_a_wrong_argument(parameter: str, value: object, says: str) -> None:
    assert check(parameter, n=value) == [says]


def test_all_problems_are_named_in_the_order_of_the_signature() -> None:
    assert check("a: int, b: str, c: list[int], d: bool = True, e=None", b=1, c="x", unknown=1) == [
        '"a" is missing: an integer is needed',
        '"b" must be a string, not 1',
        '"c" must be a list of integers, not the string "x"',
    ]
    assert check("a, b: int | None") == ['"a" is missing: a value is needed']


def test_a_list_wrong_all_over_is_not_told_item_by_item() -> None:
    assert len(check("n: list[int]", n=["x"] * 1000)) == 3


def test_fields_of_objects_are_checked() -> None:
    source = "class P(TypedDict):\n  x: int\n  y: NotRequired[int]\ndef job(p: P, q: list[P]): ..."
    signature = read_signature(source, "job")
    assert check_arguments(signature, {"p": {"x": 1}, "q": []}) == []
    assert check_arguments(signature, {"p": {"y": "z"}, "q": [{"x": None}, 5]}) == [
        '"p".x is missing: an integer is needed',
        '"p".y must be an integer, not the string "z"',
        '"q"[0].x is missing: an integer is needed',
        '"q"[1] must be an object, not 5',
    ]


def test_null_reaches_only_what_takes_anything() -> None:
    assert known_arguments({"a": {"type": "MAny"}, "b": {"type": "MInt"}}, {"a": None, "b": None}) == {"a": None}


def test_the_job_gets_what_it_names_and_the_client_gave() -> None:
    signature = read_signature("def job(a: int, b: int = 1, c=None, d=2): ...", "job")
    assert known_arguments(signature, {"a": 0, "b": None, "c": None, "x": 1}) == {"a": 0}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)
KINDS = st.recursive(
    st.sampled_from([{"type": name} for name in ("MBoolean", "MInt", "MDouble", "MString", "MAny")]),
    lambda inner: st.one_of(
        inner.map(lambda kind: {"type": "MList", "args": [kind]}),
        inner.map(lambda kind: {"type": "MMap", "args": [{"type": "MString"}, kind]}),
        inner.map(lambda kind: {"type": "MOption", "args": [kind]}),
    ),
    max_leaves=4,
)


def fits(kind: dict[str, Any], value: Any) -> bool:
    """The rule, said another way."""
    match kind["type"], value:
        case ("MAny", _) | ("MOption", None):
            return True
        case "MOption", _:
            return fits(kind["args"][0], value)
        case "MList", list():
            return all(fits(kind["args"][0], item) for item in value)
        case "MMap", dict():
            return all(fits(kind["args"][1], item) for item in value.values())
        case "MBoolean", bool():
            return True
        case "MInt", int():
            return not isinstance(value, bool)
        case "MDouble", int() | float():
            return not isinstance(value, bool)
        case "MString", str():
            return True
        case _:
            return False


@given(KINDS, JSON)
def test_a_value_is_refused_exactly_when_it_does_not_fit(kind: dict[str, Any], value: Any) -> None:
    problems = check_arguments({"n": kind}, {"n": value})
    assert (problems == []) == fits(kind, value), json.dumps(value)
    assert all(problem.startswith('"n"') for problem in problems)
