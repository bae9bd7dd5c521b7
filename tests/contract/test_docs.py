"""Documents name what exists: links, files, modules, classes, settings; and they agree with what the code generates."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from mist_domain.job import state_diagram
from mist_eventlog.topics.catalogue import load_topics
from mist_tools.run.reference import PROCESSES, into
from support.paths import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(file for folder in ("docs", "schemas", "deploy") for file in (ROOT / folder).rglob("*.md")),
]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
GLOSSARY = ROOT / "docs/glossary.md"
README_LINES = 130
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"(?<![\w./-])(?:services|libs|schemas|tests|deploy|docs)/[\w./-]*\w")
MODULE = re.compile(r"python -m (mist(?:_\w+)?(?:\.\w+)*)")
DOTTED = re.compile(r"`(mist(?:_\w+)?(?:\.\w+)*)`")
SETTING = re.compile(r"\bMIST_[A-Z_]+[A-Z]\b(?!_…)")
NO_SERVICES = {"MIST_HISTORIES", "MIST_MODULE", "MIST_REPLICATION"}
"""Variables of the model test, the images and the command for topics."""
TOPICS = {topic.name for topic in load_topics()}
BY_TABLE = re.compile(r"^\| \*\*.*\|$", re.MULTILINE)


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors a forge makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def module_file(name: str) -> Path | None:
    """The file of a module of ours, found without importing it."""
    for folder in ("libs", "services"):
        path = ROOT / folder / name.replace(".", "/")
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.exists():
                return file
    return None


def names_in(file: Path) -> Iterator[str]:
    """Everything that a module defines or imports at its top level."""
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case _:
                pass


def exists(dotted: str) -> bool:
    """True when the dotted name is a module of ours, or something that one defines."""
    module, _, name = dotted.rpartition(".")
    if module_file(dotted) is not None:
        return True
    file = module_file(module) if module else None
    return file is not None and name in names_in(file)


def is_there(path: str) -> bool:
    """True for a file or a folder of the repository; `NAME` and `vN` are placeholders."""
    return "NAME" in path or ".vN." in path or (ROOT / path).exists()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(without_code(page.read_text())):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_path_that_is_named_exists(page: Path) -> None:
    text = re.sub(r"\w+://\S+", "", page.read_text())
    text = text if page.name != "CHANGELOG.md" else ""
    assert [path for path in PATH.findall(text) if not is_there(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_module_that_is_run_or_named_exists(page: Path) -> None:
    text = page.read_text()
    assert [name for name in MODULE.findall(text) if importlib.util.find_spec(name) is None] == []
    assert [name for name in DOTTED.findall(text) if name not in TOPICS and not exists(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {f"MIST_{name.upper()}" for settings in PROCESSES.values() for name in settings.model_fields}
    assert set(SETTING.findall(page.read_text())) <= known | NO_SERVICES


def test_the_page_of_settings_is_the_generated_one() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    assert text == into(text), "run: make docs"


def test_the_state_diagram_is_the_one_drawn_from_the_table() -> None:
    assert state_diagram() in (ROOT / "docs/architecture.md").read_text()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= README_LINES


def test_the_glossary_has_each_word_once_and_names_code_for_it() -> None:
    rows = BY_TABLE.findall(GLOSSARY.read_text())
    words = [word for row in rows for word in re.findall(r"\*\*([^*]+)\*\*", row.split(" | ")[0])]
    assert len(words) == len(set(words))
    assert [row for row in rows if not DOTTED.search(row) and "*Planned.*" not in row] == []


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    entries = sorted(file.name for file in folder.glob("0*.md"))
    assert [int(name[:4]) for name in entries] == list(range(1, len(entries) + 1))
    for name in entries:
        title, _, date = (folder / name).read_text().splitlines()[:3]
        assert title.startswith(f"# {name[:4]}: ")
        assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", date)
        assert f"[{name[:4]}]({name}) | {title[8:]} | {date} |" in index


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_decisions_that_are_cited_exist(page: Path) -> None:
    numbers = {file.name[:4] for file in (ROOT / "docs/decisions").glob("0*.md")}
    assert set(re.findall(r"[Dd]ecision (\d{4})", page.read_text())) <= numbers
