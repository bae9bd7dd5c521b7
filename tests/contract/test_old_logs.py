"""A log of an older version folds for ever to the state it had. `logs/0.1.0/README.md` tells what is in it."""

import base64
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mist_domain.errors import RefusalError
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.limits import MAX_REQUEST_BYTES
from mist_domain.facts.records import RECORDS
from mist_domain.facts.registry import RegistryEvent
from mist_domain.job import Job, evolve, shown
from mist_domain.registry import Registry, fold_registry
from mist_domain.wire.start_request import read_start_request
from mist_eventlog import Codec, PoisonError
from mist_eventlog.topics.names import DEAD_LETTERS, HOSTS, JOB_EVENTS, JOB_LOGS, REGISTRY, REQUESTS

FOLDER = Path(__file__).parent / "logs" / "0.1.0"
STRANGERS = (REQUESTS, DEAD_LETTERS)
TOPICS = (JOB_EVENTS, REGISTRY, HOSTS, JOB_LOGS, *STRANGERS)
STATUSES = "unknown initialized queued assigned started cancelling finished failed canceled"
CODEC = Codec(RECORDS)


class Line(NamedTuple):
    """One record of the fixture; `record` is `None` where it cannot be read."""

    place: tuple[int, int]
    time: int
    record: Any


@dataclass
class Life:
    job: Job
    accepted: list[tuple[int, int]]
    ignored: list[tuple[int, int]]


def lines_of(topic: str) -> Iterator[Line]:
    with gzip.open(FOLDER / f"{topic}.jsonl.gz", "rt", encoding="ascii") as file:
        for text in file:
            line = json.loads(text)
            value = base64.b64decode(line["value"] or "")
            yield Line((line["partition"], line["offset"]), line["timestamp"], read(topic, value))


def read(topic: str, value: bytes) -> Any:
    """The record in the bytes, or `None`; where strangers write it may be JSON."""
    is_json = topic in STRANGERS and value.lstrip()[:1] == b"{"
    try:
        return read_start_request(value[:MAX_REQUEST_BYTES], "JSON") if is_json else CODEC.decode(value)
    except (PoisonError, RefusalError):
        return None


@cache
def expected() -> Any:
    return json.loads(gzip.decompress((FOLDER / "expected.json.gz").read_bytes()))


@cache
def lives() -> dict[str, Life]:
    """All jobs, folded partition by partition."""
    found: dict[str, Life] = {}
    for line in lines_of(JOB_EVENTS):
        if isinstance(line.record, JobEvent):
            life = found.setdefault(line.record.job_id, Life(Job(line.record.job_id), [], []))
            after = evolve(life.job, line.record, line.time)
            (life.ignored if after is life.job else life.accepted).append(line.place)
            life.job = after
    return found


def plain(value: Any, shape: Any) -> Any:
    """The value as JSON has it, with the fields that `shape` names: a later version may have more."""
    if value is None or shape is None:
        return value
    if isinstance(shape, list):
        return [plain(one, shape[0]) for one in value]
    return {name: plain(getattr(value, name), part) for name, part in shape.items()}


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON: keys sorted, no spaces, all but ASCII escaped."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def kind(record: Any) -> str:
    return "unreadable" if record is None else type(record).__name__


def described(job: Job) -> dict[str, Any]:
    """All that is compared of a job."""
    shapes, begun = expected()["shapes"], job.initialized
    return {name: getattr(job, name) for name in expected()["job_fields"]} | {
        "status": job.status.word,
        "shown": shown(job),
        "cancel": plain(job.cancel, shapes["JobCancelRequested"]),
        "initialized_sha256": begun and digest(plain(begun, shapes["JobInitialized"])),
        "request_hash": begun and begun.request_hash,
    }


@pytest.mark.parametrize("topic", TOPICS)
def test_every_record_of_an_old_log_reads_as_it_did(topic: str) -> None:
    """As many of each kind, each with the same content in every field that was there."""
    records, shapes, before = (
        [line.record for line in lines_of(topic)],
        expected()["shapes"],
        expected()["topics"][topic],
    )
    assert Counter(map(kind, records)) == before["kinds"]
    assert digest([plain(record, shapes.get(kind(record))) for record in records]) == before["sha256"]


def test_jobs_of_an_old_log_fold_to_the_state_they_had() -> None:
    """The same records are accepted, the same are ignored, and what comes of them is the same in every field."""
    assert lives().keys() == expected()["jobs"].keys()
    for job_id, life in lives().items():
        before = expected()["jobs"][job_id]
        assert described(life.job) == before["state"], job_id
        assert life.accepted == [tuple(place) for place in before["accepted"]], job_id
        assert life.ignored == [tuple(place) for place in before["ignored"]], job_id


def test_the_registry_of_an_old_log_folds_to_the_entries_it_had() -> None:
    registry, shapes = Registry(), expected()["shapes"]
    for line in lines_of(REGISTRY):
        if isinstance(line.record, RegistryEvent):
            fold_registry(registry, line.record)
    tables: dict[str, dict[str, Any]] = {
        "endpoint": registry.endpoints,
        "context": registry.contexts,
        "artifact": registry.artifacts,
    }
    entries = {f"{kind}/{name}": (kind, entry) for kind, table in tables.items() for name, entry in table.items()}
    assert {key: plain(entry, shapes[kind]) for key, (kind, entry) in entries.items()} == expected()["registry"]


def test_an_old_log_holds_every_kind_that_its_readme_names() -> None:
    """Every record of 0.1.0 and every status occurs; of each kind of job event some are accepted, some ignored."""
    kinds = {name for topic in expected()["topics"].values() for name in topic["kinds"]}
    assert kinds == expected()["shapes"].keys() - {"endpoint", "context", "artifact"} | {"unreadable"}
    assert {life.job.status.word for life in lives().values()} == set(STATUSES.split())
    event_of = {line.place: kind(line.record) for line in lines_of(JOB_EVENTS)}
    for places in ("accepted", "ignored"):
        seen = {event_of[place] for life in lives().values() for place in getattr(life, places)}
        assert seen == {name for name in kinds if name.startswith("Job")}, places
    jobs = [life.job.request for life in lives().values() if life.job.initialized]
    assert {job.source for job in jobs} == {"Http", "Async Kafka", "Kafka", "Async Mqtt"}
    assert {job.mode for job in jobs} == {"shared", "exclusive"}
    assert {job.endpoint.lang for job in jobs} == {"python", "sql", "scala"}
