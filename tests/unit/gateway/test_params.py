"""Queries are read strictly; a refusal names the parameter and what is allowed."""

import pytest
from starlette.datastructures import QueryParams

from mist_gateway.http.params import read_duration, read_flag, read_name, read_page, read_statuses
from mist_gateway.problems import Problem


@pytest.mark.parametrize("text", ["true", "True", "YES", "1", "on"])
def test_truth_in_any_case(text: str) -> None:
    assert read_flag(QueryParams({"force": text}), "force")


@pytest.mark.parametrize("text", ["false", "FALSE", "no", "0", "off"])
def test_falsehood_in_any_case(text: str) -> None:
    assert not read_flag(QueryParams({"force": text}), "force")
    assert not read_flag(QueryParams(), "force")


def test_a_page_has_defaults_and_a_largest_limit() -> None:
    assert read_page(QueryParams()) == (0, 25)
    assert read_page(QueryParams("limit=5000&offset=3")) == (3, 1000)
    assert read_page(QueryParams("limit=0")) == (0, 0)


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "offset=-1", "offset=1.5", "limit=", "limit=٣"])
def test_a_page_that_is_no_number_is_refused_by_name(query: str) -> None:
    with pytest.raises(Problem) as refused:
        read_page(QueryParams(query))
    assert refused.value.status == 400
    assert query.split("=", maxsplit=1)[0] in refused.value.message


@pytest.mark.parametrize(
    ("text", "status"),
    [("queued", "queued"), ("cancelled", "canceled"), ("Running", "started"), ("Stopped", "finished"),
     ("Aborted", "canceled"), ("Error", "failed"), ("Initialized", "initialized"), ("Queued", "queued")],
)  # fmt: skip
def test_old_words_for_a_status_are_understood(text: str, status: str) -> None:
    assert read_statuses(QueryParams({"status": text})) == [status]


def test_a_status_may_be_repeated_and_an_unknown_one_is_named() -> None:
    assert read_statuses(QueryParams("status=queued&status=failed")) == ["queued", "failed"]
    with pytest.raises(Problem, match="'asleep'"):
        read_statuses(QueryParams("status=queued&status=asleep"))


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "x" * 129, "ä"])
def test_a_name_plays_no_tricks(name: str) -> None:
    with pytest.raises(Problem) as refused:
        read_name("an endpoint", name)
    assert refused.value.status == 400


def test_durations_are_milliseconds() -> None:
    assert read_duration(QueryParams({"startTimeout": "10s"}), "startTimeout") == 10_000
    assert read_duration(QueryParams({"startTimeout": "Inf"}), "startTimeout") is None
    with pytest.raises(Problem, match="startTimeout must be a duration"):
        read_duration(QueryParams({"startTimeout": "soon"}), "startTimeout")
