"""The language of a job by its file, and the parameters of SQL."""

import pytest

from mist_domain.signatures.languages import fits_language, language_of, sql_parameters


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("s3://b/a.ZIP", "python"),
        ("a.whl", "python"),
        ("a.jar", "java"),
        ("a.sql", "sql"),
        ("a", None),
    ],
)
def test_the_suffix_says_the_language(path: str, language: str | None) -> None:
    assert language_of(path) == language


def test_a_jar_may_be_scala_and_nothing_else_may() -> None:
    assert fits_language("a.jar", "scala")
    assert not fits_language("a.py", "scala")
    assert not fits_language("a.jar", "python")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("select * from t where a > :low and b < :high or a = :low", ["low", "high"]),
        ("select ':not', \":nor\", `:that` -- :this\n, /* :nor\nthis */ :it", ["it"]),
        ("select cast(a as int), b::int, 'it''s :no', 'a\\':no'", []),
        ("select a[:i], map(:k, :v)", ["i", "k", "v"]),
        ("select 1", []),
    ],
)
def test_sql_parameters_are_found_outside_of_quotes_and_comments(text: str, names: list[str]) -> None:
    assert sql_parameters(text) == names
