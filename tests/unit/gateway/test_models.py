"""The JSON that clients see: absent values left out, the fields of the wire."""

import json
from dataclasses import asdict
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from mist_domain.facts.hosts import Worker
from mist_domain.facts.job_events import JobEvent, JobInitialized
from mist_domain.facts.logs import LogLine
from mist_domain.facts.registry import Context, Endpoint
from mist_domain.job import Job, Status, fold
from mist_domain.registry import Registry
from mist_eventlog import Record
from mist_gateway.http.models import EventDocument, JobDocument, Outcome, json_bytes
from mist_gateway.http.registry_models import ContextDocument, EndpointDocument
from mist_gateway.projection.entry import HistoryStep, PendingStart
from mist_gateway.projection.hosts import HostTable
from mist_gateway.queries.logs import format_line
from support import facts


def seen(document: BaseModel) -> dict[str, Any]:
    """The document as a client reads it."""
    return dict(json.loads(json_bytes(document)))


def job_after(*events: JobEvent) -> Job:
    return fold(facts.JOB, [(event, 1000 + at) for at, event in enumerate(events)])


def test_a_new_job_has_what_it_was_asked_for_and_no_more() -> None:
    request = facts.initialized(parameters='{"n":123456789012345678901234567890}', external_id="my-1")
    assert seen(JobDocument.of(job_after(request))) == {
        "jobId": facts.JOB,
        "endpoint": "e",
        "function": "e",
        "params": {
            "filePath": "file:///e.py",
            "className": "e",
            "arguments": {"n": 123456789012345678901234567890},
            "action": "execute",
        },
        "context": "default",
        "mode": "shared",
        "externalId": "my-1",
        "source": "Http",
        "status": "initialized",
        "createTime": 1000,
    }


def test_a_finished_job_has_its_bare_result_and_a_failed_one_its_bare_error() -> None:
    life = (facts.initialized(), facts.queued(), facts.assigned(), facts.started())
    done = seen(JobDocument.of(job_after(*life, facts.finished())))
    assert (done["jobResult"], done["workerId"], done["startTime"], done["endTime"]) == ({}, "default", 1003, 1004)
    assert seen(JobDocument.of(job_after(*life, facts.failed())))["jobResult"] == "ValueError: no"


def test_a_canceled_job_has_no_result() -> None:
    view = seen(JobDocument.of(job_after(facts.initialized(), facts.cancel_requested())))
    assert view["status"] == "canceled"
    assert "jobResult" not in view
    assert "startTime" not in view


def test_an_undecided_request_shows_as_initialized_with_its_endpoints_defaults() -> None:
    pending = PendingStart("id", facts.start(context=None), 0, 0, 77)
    registry = Registry(
        endpoints={"e": Endpoint(name="e", path="file:///e.py", class_name="E", default_context="big")},
        contexts={"big": Context(name="big", worker_mode="exclusive")},
    )
    view = seen(JobDocument.of_pending(pending, registry))
    assert (view["status"], view["createTime"], view["context"], view["mode"]) == (
        "initialized",
        77,
        "big",
        "exclusive",
    )
    assert view["params"]["className"] == "E"


def test_an_outcome_says_what_came_of_it() -> None:
    life = (facts.initialized(), facts.queued(), facts.assigned(), facts.started())
    assert seen(Outcome.of(job_after(*life, facts.finished()))) == {"success": True, "payload": {}, "errors": []}
    failed = seen(Outcome.of(job_after(*life, facts.failed())))
    assert failed == {"success": False, "payload": {}, "errors": ["ValueError: no"]}
    assert seen(Outcome.of(job_after(facts.initialized(), facts.cancel_requested())))["success"] is False


def test_contexts_and_endpoints_are_as_the_wire_has_them() -> None:
    assert seen(ContextDocument.of(Context(name="c", downtime=None))) == {
        "name": "c", "sparkConf": {}, "downtime": "Inf", "maxJobs": 20, "precreated": False, "spares": 0,
        "runOptions": "", "workerMode": "shared", "streamingDuration": "1s", "startTimeout": "Inf",
        "performTimeout": "Inf", "maxQueued": 10_000,
    }  # fmt: skip
    endpoint = Endpoint(name="e", path="file:///p.py", class_name="E", signature='{"n":{"type":"MInt"}}')
    assert seen(EndpointDocument.of(endpoint)) == {
        "name": "e", "lang": "python", "path": "file:///p.py", "className": "E", "defaultContext": "default", "tags": [],
        "retries": 0, "startTimeout": "Inf", "performTimeout": "Inf", "execute": {"n": {"type": "MInt"}},
    }  # fmt: skip


def test_every_kind_of_record_has_a_document() -> None:
    """The fields of the kind stand beside the common ones; an ignored record has no status."""
    record = Record(topic="mist.job-events", partition=0, offset=7, time=70, key=b"", value=b"")
    events = (
        facts.initialized(parameters='{"n":12345678901234567890123}'), facts.queued(), facts.assigned(),
        facts.started(), facts.finished(), facts.failed(), facts.cancel_requested(), facts.canceled(),
        facts.lost_by_host(),
    )  # fmt: skip
    assert {type(event) for event in events} == set(get_args(JobEvent))
    for event in events:
        document = seen(EventDocument.of(record, HistoryStep(7, None), event))
        assert (document["event"], document["time"], document["offset"]) == (type(event).__name__, 70, 7)
        assert document["accepted"] is False
        assert "status" not in document
        own = set(asdict(event)) - {"job_id", "result"} if not isinstance(event, JobInitialized) else {"writer"}
        assert {name: document.get(to_camel(name)) for name in own} == {name: getattr(event, name) for name in own}
    first = seen(EventDocument.of(record, HistoryStep(7, Status.INITIALIZED), events[0]))
    assert (first["accepted"], first["status"], first["endpoint"]) == (True, "initialized", "e")
    assert first["parameters"] == {"n": 12345678901234567890123}
    assert seen(EventDocument.of(record, HistoryStep(7, None), events[4]))["result"] == {}


def test_a_log_line_is_as_the_wire_has_it() -> None:
    line = LogLine(time=1_500_000_000_123, level="INFO", text="hello")
    assert format_line("j", line) == "INFO 2017-07-14T02:40:00.123 [j] hello"


def test_a_host_that_is_silent_stopped_or_replaced_lives_no_more() -> None:
    now = 0.0
    hosts = HostTable(lambda: now, lost_after_ms=25_000)
    worker = Worker(worker_id="w", context="c", mode="shared", state="idle", pid=1)
    starting = Worker(worker_id="s", context="c", mode="shared", state="starting", pid=2)
    hosts.fold(facts.host_state("a", workers=(worker, starting)), 1_000_000)
    hosts.fold(facts.host_state("b"), 1_000_000)
    assert [one.worker_id for _, one in hosts.workers()] == ["w"]
    assert hosts.holding("s") == ["a"]
    hosts.fold(facts.host_state("c", replaces="b"), 1_001_000)
    assert {host.host_id for host in hosts.living()} == {"a", "c"}
    hosts.fold(facts.host_state("c", stopped=True), 1_002_000)
    now = 22.9
    assert [host.host_id for host in hosts.living()] == ["a"]
    now = 23.1
    assert hosts.living() == []
