"""The house rules that a machine can check: names, sizes, docstrings, imports."""

import ast
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from support.paths import ROOT, TESTS

SHARE_OF_IMPORTS = 0.088
"""Lower it as modules merge: the aim is 0.06."""
IGNORES = 40
LONGEST_FUNCTION, MEDIAN_FUNCTION = 40, 6
LONGEST_FILE = 400
GATEWAY_FILES = 42
CLAUSE = re.compile(r"(What|Whether|How|Those|Who|Where|When|Why|Which)\b")
IGNORE = re.compile(r"#\s*(noqa|type: ignore)")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[Path, str]:
    """Every module of libs and services, with its text."""
    files = [file for folder in ("libs", "services") for file in (ROOT / folder).rglob("*.py")]
    return {file: file.read_text() for file in sorted(files)}


@cache
def trees() -> dict[Path, ast.Module]:
    return {file: ast.parse(text) for file, text in modules().items()}


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for file, tree in trees().items():
        for node in ast.walk(tree):
            yield file, node


def lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def functions() -> dict[str, int]:
    """Each function's place, and how many lines it has."""
    return {
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}": lines_of(node)
        for file, node in nodes()
        if isinstance(node, Function)
    }


def test_no_two_public_classes_share_a_name() -> None:
    homes = defaultdict(list)
    for file, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}


def test_docstrings_open_with_a_noun_or_an_imperative() -> None:
    """In the tests, too."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    tests = {file: ast.parse(file.read_text()) for file in TESTS.rglob("*.py")}
    clauses = [
        f"{file.relative_to(ROOT)}: {text.splitlines()[0]}"
        for file, tree in (trees() | tests).items()
        for node in ast.walk(tree)
        if isinstance(node, documented) and (text := ast.get_docstring(node)) and CLAUSE.match(text)
    ]
    assert clauses == []


def test_every_module_says_what_it_is() -> None:
    silent = [str(file.relative_to(ROOT)) for file, tree in trees().items() if not ast.get_docstring(tree)]
    assert silent == []


def test_functions_are_short() -> None:
    sizes = functions()
    assert {place: size for place, size in sizes.items() if size > LONGEST_FUNCTION} == {}
    assert statistics.median(sizes.values()) <= MEDIAN_FUNCTION


def test_files_are_one_idea() -> None:
    sizes = {str(file.relative_to(ROOT)): len(text.splitlines()) for file, text in modules().items()}
    assert {file: size for file, size in sizes.items() if size > LONGEST_FILE} == {}
    gateway = [file for file in sizes if file.startswith("services/mist_gateway/") and not file.endswith("__init__.py")]
    assert len(gateway) <= GATEWAY_FILES


def test_imports_are_a_small_part_of_the_code() -> None:
    imports = sum(lines_of(node) for _, node in nodes() if isinstance(node, ast.Import | ast.ImportFrom))
    everything = sum(len(text.splitlines()) for text in modules().values())
    assert imports / everything <= SHARE_OF_IMPORTS


def test_checkers_are_silenced_rarely() -> None:
    places = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file, text in modules().items()
        for line in text.splitlines()
        if IGNORE.search(line)
    ]
    assert len(places) <= IGNORES, "\n".join(places)


@pytest.mark.parametrize("paper", [r"\bWIRE\b", r"\bDESIGN\b", r"\bFAUST\.md", r"\bthe seed\b", r"\bTASTE\b"])
def test_the_repository_explains_itself(paper: str) -> None:
    files = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "schemas").rglob("*.*"), *modules()]
    cited = [str(file.relative_to(ROOT)) for file in files if re.search(paper, file.read_text())]
    assert cited == []
