"""Every schema is used, every example decodes, and what was written once is read for ever. Apache's avro is the judge."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mist_domain.facts.records import RECORDS
from mist_eventlog import Codec
from mist_eventlog.schema.files import schemas_folder, versions_of
from mist_eventlog.topics import load_topics
from support import apache
from support.apache import example_of, older_and_newer, parsed, refuse_unreadable

FOLDER = schemas_folder()
FILES = sorted(FOLDER.glob("*.avsc"))
CODEC = Codec(RECORDS)
CAMEL_CASE = re.compile(r"[a-z][a-zA-Z0-9]*")


def newest_beside(file: Path) -> Path:
    name = file.name.split(".")[0]
    return file.parent / f"{name}.v{versions_of(name, file.parent)[-1].number}.avsc"


def named_parts(schema: Any) -> Iterator[Any]:
    """Every record and every field that is written in a schema file."""
    if isinstance(schema, dict):
        if schema.get("type") == "record":
            yield schema
            yield from schema["fields"]
        for part in schema.values():
            yield from named_parts(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from named_parts(part)


def test_each_record_has_a_schema_and_each_schema_a_record() -> None:
    assert {file.name.split(".")[0] for file in FILES} == {record.__name__ for record in RECORDS}


def test_each_schema_has_an_example_and_each_example_a_schema() -> None:
    examples = (FOLDER / "examples").iterdir()
    assert sorted(example.name for example in examples) == [f"{file.stem}.json" for file in FILES]


def test_each_record_is_on_one_topic() -> None:
    placed = [record for topic in load_topics() for record in topic.records]
    assert sorted(placed) == sorted(record.__name__ for record in RECORDS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_schemas_are_named_and_explained(file: Path) -> None:
    schema = json.loads(file.read_text())
    assert (schema["namespace"], schema["name"]) == ("mist", file.name.split(".")[0])
    for part in named_parts(schema):
        assert part["doc"], part["name"]
        assert part.get("type") == "record" or CAMEL_CASE.fullmatch(part["name"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_examples_decode_and_come_out_again_the_same(file: Path) -> None:
    schema, example = parsed(file), example_of(file)
    written = apache.encode(schema, example)
    record = CODEC.decode(written)
    assert type(record).__name__ == schema.name
    assert dataclasses.is_dataclass(record)
    newest = parsed(newest_beside(file))
    again = CODEC.encode(record)
    assert apache.decode(newest, newest, again) == apache.decode(schema, newest, written)


def test_released_schemas_keep_their_fingerprints() -> None:
    """Records carry them for ever. A new file gets a new line; no line is ever changed."""
    released = dict(line.split() for line in (Path(__file__).parent / "fingerprints.txt").read_text().splitlines())
    found = {
        f"{record.__name__}.v{version.number}": version.head[2:].hex()
        for record in RECORDS
        for version in versions_of(record.__name__, FOLDER)
    }
    assert found == released


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_fingerprints_are_apaches(record: type) -> None:
    for version in versions_of(record.__name__, FOLDER):
        file = FOLDER / f"{record.__name__}.v{version.number}.avsc"
        assert version.head == apache.head(parsed(file))


@pytest.mark.parametrize(("older", "newer"), older_and_newer(FOLDER), ids=lambda file: file.stem)
def test_newer_versions_read_what_older_ones_wrote(older: Path, newer: Path) -> None:
    refuse_unreadable(older, newer)
