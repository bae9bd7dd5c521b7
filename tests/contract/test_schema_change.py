"""A second version of a schema, made up in a folder of its own: both are read, the newest is written."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mist_domain.facts.job_events import JobStarted
from mist_eventlog import Codec
from mist_eventlog.schema.files import schemas_folder
from support.apache import older_and_newer, refuse_unreadable

FIRST, SECOND = "JobStarted.v1", "JobStarted.v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """JobStarted as it may be one day: without the writer, with a place."""

    job_id: str
    attempt: int
    worker_id: str
    spark_ui: str | None = None
    ports: tuple[int, ...] = ()


Second.__name__ = "JobStarted"
ADDED: list[dict[str, Any]] = [
    {"name": "sparkUi", "type": ["null", "string"], "default": None},
    {"name": "ports", "type": {"type": "array", "items": "long"}, "default": []},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The first version as it is, and nothing else."""
    (tmp_path / "examples").mkdir()
    for name in (f"{FIRST}.avsc", f"examples/{FIRST}.json"):
        (tmp_path / name).write_bytes((schemas_folder() / name).read_bytes())
    return tmp_path


def write_second(folder: Path, fields: list[dict[str, Any]], example: dict[str, Any]) -> None:
    schema = json.loads((folder / f"{FIRST}.avsc").read_text())
    kept = [field for field in schema["fields"] if field["name"] != "writer"]
    (folder / f"{SECOND}.avsc").write_text(json.dumps({**schema, "fields": kept + fields}))
    (folder / "examples" / f"{SECOND}.json").write_text(json.dumps(example))


def test_both_versions_are_read_and_the_newest_is_written(folder: Path) -> None:
    first = Codec([JobStarted], folder).encode(JobStarted(job_id="j", writer="h", attempt=3, worker_id="w"))
    write_second(folder, ADDED, {"jobId": "j", "attempt": 3, "workerId": "w", "sparkUi": None, "ports": [4040]})
    codec = Codec([Second], folder)
    assert codec.decode(first) == Second(job_id="j", attempt=3, worker_id="w")
    second = Second(job_id="j", attempt=3, worker_id="w", spark_ui="http://h", ports=(4040, 4041))
    assert codec.decode(codec.encode(second)) == second
    assert codec.encode(second)[:10] != first[:10]


def test_ten_comes_after_nine(folder: Path) -> None:
    """Versions are numbers, not text."""
    write_second(folder, ADDED, {})
    (folder / f"{SECOND}.avsc").rename(folder / "JobStarted.v10.avsc")
    (folder / f"{FIRST}.avsc").rename(folder / "JobStarted.v9.avsc")
    second = Second(job_id="j", attempt=1, worker_id="w", ports=(1,))
    codec = Codec([Second], folder)
    assert codec.decode(codec.encode(second)) == second


def test_the_compatibility_test_passes_a_good_change(folder: Path) -> None:
    write_second(folder, ADDED, {"jobId": "j", "attempt": 3, "workerId": "w", "sparkUi": None, "ports": [4040]})
    pairs = older_and_newer(folder)
    assert len(pairs) == 3
    for older, newer in pairs:
        refuse_unreadable(older, newer)


def test_the_compatibility_test_finds_a_field_without_a_default(folder: Path) -> None:
    write_second(
        folder, [{"name": "sparkUi", "type": "string"}], {"jobId": "j", "attempt": 3, "workerId": "w", "sparkUi": ""}
    )
    with pytest.raises(AssertionError):
        refuse_unreadable(folder / f"{FIRST}.avsc", folder / f"{SECOND}.avsc")
