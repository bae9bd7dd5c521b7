"""Signatures read from source: every style, every type, every way to be unreadable."""

import ast
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.signatures.reader import SignatureError, archive_members, read_signature
from support.paths import JOBS, ROOT

EXAMPLES = ROOT / "deploy/examples/jobs"

INT, DOUBLE, STRING = {"type": "MInt"}, {"type": "MDouble"}, {"type": "MString"}
BOOLEAN, ANY = {"type": "MBoolean"}, {"type": "MAny"}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MList", "args": [item]}


def mapped(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MMap", "args": [STRING, value]}


def option(inner: dict[str, Any]) -> dict[str, Any]:
    return {"type": "MOption", "args": [inner]}


ANNOTATIONS = {
    "int": INT,
    "float": DOUBLE,
    "str": STRING,
    "bool": BOOLEAN,
    "builtins.int": INT,
    "'int'": INT,
    "'list[int'": ANY,
    "list": listed(ANY),
    "list[int]": listed(INT),
    "List[int]": listed(INT),
    "typing.List[typing.List[str]]": listed(listed(STRING)),
    "Sequence[float]": listed(DOUBLE),
    "collections.abc.Iterable[int]": listed(INT),
    "tuple[int, ...]": listed(INT),
    "tuple[int, int]": listed(INT),
    "tuple[int, str]": listed(ANY),
    "set[str]": listed(STRING),
    "list['int']": listed(INT),
    "dict": mapped(ANY),
    "dict[str, int]": mapped(INT),
    "Mapping[str, list[float]]": mapped(listed(DOUBLE)),
    "Optional[int]": option(INT),
    "int | None": option(INT),
    "None | int": option(INT),
    "Union[int, None]": option(INT),
    "Optional[Optional[int]]": option(INT),
    "list[int | None]": listed(option(INT)),
    "int | float": DOUBLE,
    "int | float | None": option(DOUBLE),
    "int | str": ANY,
    "int | str | None": option(ANY),
    "Annotated[int, 'positive']": INT,
    "Literal['a', 'b']": STRING,
    "Literal[1, 'b']": ANY,
    "Literal[True]": BOOLEAN,
    "Any": ANY,
    "object": ANY,
    "datetime": ANY,
    "numpy.ndarray[int]": ANY,
    "lambda: 1": ANY,
    "f(x)": ANY,
    "-1": ANY,
    "[]": ANY,
}


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_an_annotation_becomes_a_type(annotation: str) -> None:
    assert read_signature(f"def job(spark, x: {annotation}): ...", "job") == {"x": ANNOTATIONS[annotation]}


def test_a_default_makes_an_option_and_order_is_kept() -> None:
    source = "def job(b: int, a: str = 'x', *rest, c, d: float = 1.0, e: int | None = None, **others): ..."
    assert read_signature(source, "job") == {
        "b": INT, "a": option(STRING), "c": ANY, "d": option(DOUBLE), "e": option(INT),
    }  # fmt: skip
    assert list(read_signature(source, "job")) == ["b", "a", "c", "d", "e"]


@pytest.mark.parametrize(
    "first",
    ["spark", "sc", "s: SparkSession", "s: 'SparkSession'", "s: pyspark.sql.SparkSession", "c: SparkContext", "sc, /"],
)
def test_a_first_parameter_that_is_spark_is_no_argument(first: str) -> None:
    assert read_signature(f"def job({first}, n: int): ...", "job") == {"n": INT}


def test_other_first_parameters_are_arguments() -> None:
    assert read_signature("def job(session, spark): ...", "job") == {"session": ANY, "spark": ANY}
    assert read_signature("def job(): ...", "job") == {}
    assert read_signature("async def job(n: int): ...", "job") == {"n": INT}


def test_the_example_of_the_wire() -> None:
    read = read_signature((EXAMPLES / "simple_context.py").read_text(), "simple_context")
    assert read == {"numbers": listed(INT), "multiplier": option(INT)}


def test_a_class_has_the_arguments_of_its_execute() -> None:
    source = (JOBS / "old_classes.py").read_text()
    assert read_signature(source, "SimpleContext") == {"numbers": ANY, "multiplier": option(ANY)}
    inherited = "class A(MistJob):\n  def execute(self, n: int): ...\nclass B(WithSQLSupport, A): pass"
    assert read_signature(inherited, "B") == {"n": INT}
    with pytest.raises(SignatureError, match='the class "A" has no method "execute"'):
        read_signature("class A(B): pass\nclass B(A): pass", "A")


def test_mistpy_decorators_list_the_arguments() -> None:
    source = (JOBS / "mistpy_jobs.py").read_text()
    assert read_signature(source, "simple_context") == {
        "numbers": listed(INT), "multiplier": option(INT), "label": option(STRING),
    }  # fmt: skip
    assert read_signature(source, "session_outside") == {"first": INT, "second": option(INT)}
    assert read_signature(source, "sql") == {}


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("arg('n', int)", INT),
        ("arg('n', type_hint=int, default=0)", option(INT)),
        ("arg('n', type_hint=int, default=None, optional=False)", INT),
        ("arg('n', type_hint=int, optional=True)", option(INT)),
        ("opt_arg('n', list_type(list_type(float)))", option(listed(listed(DOUBLE)))),
        ("decorators.arg('n', type_hint=list)", listed(ANY)),
        ("arg('n', type_hint=None)", ANY),
        ("arg(name='n', type_hint=bool)", BOOLEAN),
    ],
)
def test_a_mistpy_argument(call: str, kind: dict[str, Any]) -> None:
    assert read_signature(f"@with_args({call})\n@on_spark_context\ndef job(sc, n): ...", "job") == {"n": kind}
    assert read_signature(f"@{call}\n@mistpy.on_spark_session\ndef job(spark, n): ...", "job") == {"n": kind}


def test_mistpy_functions_without_a_list_take_their_parameters() -> None:
    assert read_signature("@on_spark_context\ndef job(context, n: int, m=1): ...", "job") == {
        "n": INT,
        "m": option(ANY),
    }


def test_names_of_the_module_are_followed() -> None:
    source = "Numbers = list[int]\nMatrix: TypeAlias = 'list[Numbers]'\nSelf = list['Self']\n"
    assert read_signature(source + "def job(m: Matrix, s: Self): ...", "job") == {
        "m": listed(listed(INT)), "s": listed(ANY),
    }  # fmt: skip


def test_a_typed_dict_is_an_object_with_fields() -> None:
    source = "class P(TypedDict):\n  x: int\n  y: NotRequired[str]\nclass Q(TypedDict, total=False):\n  p: P\n"
    point = {"type": "MObj", "fields": {"x": INT, "y": option(STRING)}}
    assert read_signature(source + "def job(q: Q): ...", "job") == {
        "q": {"type": "MObj", "fields": {"p": option(point)}}
    }


def test_the_last_definition_counts_wherever_it_stands() -> None:
    source = "def job(a): ...\nif True:\n  def job(b): ...\ntry:\n  def other(c): ...\nexcept E: pass\n"
    assert read_signature(source, "job") == {"b": ANY}
    assert read_signature(source, "other") == {"c": ANY}


@pytest.mark.parametrize(
    "source", ["from jobs import job", "import a.b as job", "job = partial(f, 1)", "job: Any = 1", "import job.deep"]
)
def test_a_name_that_is_only_bound_has_unknown_arguments(source: str) -> None:
    assert read_signature(source, "job") == {}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def job(:", "this is not Python: invalid syntax in line 1"),
        ("def f(): ...\nclass C: ...\ndef _g(): ...", '"job" is not defined there; there is C, f'),
        ("x = 1", '"job" is not defined there; there is no function and no class'),
        ("", '"job" is not defined there; there is no function and no class'),
        ("job\0", "this is not Python: source code string cannot contain null bytes"),
        ("a = " + "-" * 50_000 + "1", "nested too deeply"),
    ],
)
def test_an_unreadable_source_is_refused_with_a_sentence(source: str, says: str) -> None:
    with pytest.raises(SignatureError) as refused:
        read_signature(source, "job")
    assert says in str(refused.value)


def test_the_source_is_never_run(tmp_path: Path) -> None:
    source = f"open({str(tmp_path / 'ran')!r}, 'w')\ndef job(n: int = open('x')): ...\n"
    assert read_signature(source, "job") == {"n": option(INT)}
    assert not (tmp_path / "ran").exists()


def test_where_an_archive_holds_a_job() -> None:
    assert archive_members("pack.sub.jobs.run") == (["pack/sub/jobs.py", "pack/sub/jobs/__init__.py"], "run")
    with pytest.raises(SignatureError, match='"run" names no module'):
        archive_members("run")


@given(st.text(), st.text(min_size=1))
def test_any_text_is_read_or_refused(source: str, name: str) -> None:
    with suppress(SignatureError):
        assert all(map(is_type, read_signature(source, name).values()))


def expressions() -> st.SearchStrategy[str]:
    names = st.sampled_from(["int", "str", "None", "list", "dict", "Optional", "Union", "X", "'int'", "...", "Literal"])
    return st.recursive(
        names,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda two: f"{two[0]} | {two[1]}"),
            st.tuples(names, st.lists(inner, min_size=1, max_size=3)).map(lambda g: f"{g[0]}[{', '.join(g[1])}]"),
        ),
        max_leaves=12,
    )


@given(expressions())
def test_any_annotation_has_a_type_of_the_wire(annotation: str) -> None:
    ast.parse(annotation, mode="eval")
    kind = read_signature(f"def job(x: {annotation}): ...", "job")["x"]
    assert is_type(kind)


def is_type(kind: dict[str, Any]) -> bool:
    sizes = {"MList": 1, "MOption": 1, "MMap": 2}
    args = kind.get("args", [])
    return (
        kind["type"] in {"MBoolean", "MInt", "MDouble", "MString", "MAny", *sizes}
        and len(args) == sizes.get(kind["type"], 0)
        and all(is_type(arg) for arg in args)
    )
