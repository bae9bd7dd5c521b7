"""The three styles of job code, made one call. No Spark: the context is a stand-in."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from mist.mist_job import MistJob, WithHiveSupport, WithPublisher, WithSQLSupport
from mist_driver.code.call_styles import JobCodeError, to_call

PARTS = ("context", "session", "sql_context", "hive_session", "hive_context", "publisher")
CONTEXT: Any = SimpleNamespace(**{part: part for part in PARTS})
OPTION = {"type": "MOption", "args": [{"type": "MInt"}]}


def call(job: Any, signature: dict[str, Any] | None = None, **arguments: Any) -> Any:
    return to_call(job, signature or {})(CONTEXT, arguments)


class SparkSession:
    """Known by its name, as pyspark's is."""


class SparkContext:
    """The same."""


def spark_named(spark: Any, n: int) -> Any:
    return spark, n


def context_named(sc: Any) -> Any:
    return sc


def session_annotated(first: SparkSession) -> Any:
    return first


def annotation_wins(spark: SparkContext) -> Any:
    return spark


def text_annotation(anything: "pyspark.SparkContext") -> Any:  # type: ignore[name-defined] # noqa: F821
    return anything


def no_spark(n: int) -> Any:
    return n


@pytest.mark.parametrize(
    ("job", "got"),
    [
        (spark_named, ("session", 1)),
        (no_spark, 1),
        (context_named, "context"),
        (session_annotated, "session"),
        (annotation_wins, "context"),
        (text_annotation, "context"),
    ],
)
def test_a_function_is_given_what_its_first_parameter_asks_for(job: Callable[..., Any], got: Any) -> None:
    assert call(job, n=1) == got


def test_a_function_gets_what_it_names_or_everything() -> None:
    assert call(lambda a, b=2: (a, b), a=1, unknown=3) == (1, 2)
    assert call(lambda a, **rest: (a, rest), a=1, unknown=3) == (1, {"unknown": 3})
    assert call(lambda *a, b: (a, b), b=1) == ((), 1)


def test_what_may_be_null_and_has_no_default_is_null() -> None:
    assert call(lambda a, b=7: (a, b), {"a": OPTION, "b": OPTION}, b=None) == (None, 7)


def test_a_coroutine_is_run() -> None:
    async def job(n: int) -> int:
        return n + 1

    assert call(job, n=1) == 2


class Everything(MistJob, WithSQLSupport, WithPublisher):
    def execute(self, n: int = 1) -> Any:
        return n, self.context, self.session, self.sql_context, self.publisher


class Hive(MistJob, WithSQLSupport, WithHiveSupport):
    def execute(self) -> Any:
        return self.session, self.sql_context, self.hive_context


class HiveFirst(MistJob, WithHiveSupport, WithSQLSupport):
    def execute(self) -> Any:
        return self.session, self.sql_context, self.hive_context


class Plain:
    def execute(self, n: int) -> int:
        return n


def test_old_classes_have_what_they_mix_in() -> None:
    assert call(Everything, n=5) == (5, "context", "session", "sql_context", "publisher")
    assert call(Everything) == (1, "context", "session", "sql_context", "publisher")
    assert call(Hive) == call(HiveFirst) == ("hive_session", "hive_context", "hive_context")
    assert call(Plain, n=2) == 2


def test_a_job_that_asks_for_no_hive_starts_none() -> None:
    class NoHive:
        def __getattr__(self, name: str) -> str:
            assert "hive" not in name
            return name

    assert to_call(Everything, {})(NoHive(), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (5, "the job is a int; it must be a function or a class with execute()"),
        (SparkSession, 'the class "SparkSession" has no method "execute"'),
        (SimpleNamespace(type_choice="streaming"), 'mistpy\'s "streaming" is not supported'),
    ],
)
def test_what_cannot_be_run_is_refused(job: Any, says: str) -> None:
    with pytest.raises(JobCodeError) as refused:
        to_call(job, {})
    assert says in str(refused.value)


def test_the_authors_library_is_light() -> None:
    assert sys.modules["mist.mist_job"].__dict__.keys().isdisjoint({"pyspark", "mist_domain"})
