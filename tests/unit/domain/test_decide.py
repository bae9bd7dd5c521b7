"""Requests to events, as given / when / then on one scheduler's cluster."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mist_domain.facts.job_events import JobAssigned, JobCancelRequested, JobFailed, JobInitialized, JobQueued
from mist_domain.facts.registry import Context, Endpoint
from mist_domain.facts.requests import CancelRequest, job_id_of, request_id_at
from mist_domain.scheduling.decide import Refused, Settled, Verdict, Waits, decide
from mist_domain.scheduling.jobs import Decision
from support.facts import SCHEDULER, Bench, origin, start, started

INTS = json.dumps({"numbers": {"type": "MList", "args": [{"type": "MInt"}]}})


def given(**changes: Any) -> Bench:
    return Bench(
        Context(name="default"), endpoint=replace(Endpoint(name="e", path="file:///e.py", class_name="e"), **changes)
    )


def accept(bench: Bench, verdict: Verdict) -> Decision:
    assert isinstance(verdict, Decision)
    bench.cluster.apply(verdict)
    [decision] = bench.plan(verdict)
    return decision


def test_a_start_request_becomes_a_queued_job_and_is_assigned_in_the_same_breath() -> None:
    bench = given()
    decision = accept(bench, decide(bench.cluster, start(external_id="x-1"), origin(7)))
    initialized, queued, assigned = decision.events
    assert isinstance(initialized, JobInitialized)
    assert (initialized.external_id, initialized.request_offset, initialized.writer) == ("x-1", 7, SCHEDULER)
    assert isinstance(queued, JobQueued)
    assert isinstance(assigned, JobAssigned)
    assert (queued.version, assigned.version) == (1, 2)


def test_one_job_per_request_id_however_often_it_is_read() -> None:
    bench = given()
    decision = accept(bench, decide(bench.cluster, start(), origin()))
    assert decide(bench.cluster, start(), origin(1)) == Waits(decision.job_id)
    bench.append(*decision.events)
    assert decide(bench.cluster, start(), origin(1)) == Settled()


def test_the_same_request_id_with_other_content_is_refused() -> None:
    bench = given()
    bench.append(*accept(bench, decide(bench.cluster, start(), origin())).events)
    verdict = decide(bench.cluster, start(parameters='{"n":1}'), origin(1))
    assert isinstance(verdict, Refused)
    assert "'r' was used before with other content" in verdict.reason


def test_the_order_of_parameters_is_not_other_content() -> None:
    bench = given()
    bench.append(*accept(bench, decide(bench.cluster, start(parameters='{"a":1,"b":2}'), origin())).events)
    assert decide(bench.cluster, start(parameters='{"b": 2, "a": 1}'), origin(1)) == Settled()


def test_a_record_without_an_id_is_named_by_its_place_in_the_log() -> None:
    bench = given()
    decision = accept(bench, decide(bench.cluster, start(request_id=None), origin(3)))  # type: ignore[arg-type]
    assert decision.job_id == job_id_of("e", request_id_at(origin(3)))


def test_a_request_waits_until_the_registry_is_as_new_as_its_gateway_had_it() -> None:
    bench = given()
    request = start(registry_offset=bench.cluster.registry_offset + 1)
    assert decide(bench.cluster, request, origin()) == Waits(None)
    assert isinstance(decide(bench.cluster, start(registry_offset=0), origin()), Decision)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"endpoint": "nope"}, "unknown endpoint 'nope'"),
        ({"context": "../etc"}, "bad context name"),
        ({"worker_id": "a/b"}, "bad worker id"),
        ({"parameters": '{"numbers":"x"}'}, "bad parameters"),
        ({"parameters": "{}"}, "bad parameters"),
    ],
)
def test_what_is_understood_but_impossible_is_a_job_that_fails_with_the_reason(
    changes: dict[str, str], reason: str
) -> None:
    bench = given(signature=INTS)
    asked = {"parameters": '{"numbers":[1]}', "external_id": "x-9"} | changes
    initialized, failed = accept(bench, decide(bench.cluster, start(**asked), origin())).events
    assert isinstance(initialized, JobInitialized)
    assert initialized.external_id == "x-9"
    assert isinstance(failed, JobFailed)
    assert failed.error.startswith(reason)


def test_a_full_queue_fails_the_job_with_the_reason() -> None:
    bench = Bench(Context(name="default", max_jobs=1, max_queued=1))
    for request_id in ("1", "2"):
        bench.append(*accept(bench, decide(bench.cluster, start(request_id), origin())).events)
    _, failed = accept(bench, decide(bench.cluster, start("3"), origin())).events
    assert isinstance(failed, JobFailed)
    assert failed.error.startswith("queue full")


def test_timeouts_come_from_the_request_else_the_endpoint_else_the_context() -> None:
    bench = Bench(
        Context(name="default", start_timeout=3, perform_timeout=3),
        endpoint=Endpoint(name="e", path="file:///p.py", class_name="c", start_timeout=2),
    )
    initialized = accept(bench, decide(bench.cluster, start(perform_timeout=1), origin())).events[0]
    assert isinstance(initialized, JobInitialized)
    assert (initialized.start_timeout, initialized.perform_timeout) == (2, 1)


def test_an_unknown_context_runs_with_the_defaults_under_its_name() -> None:
    bench = Bench(Context(name="default", max_jobs=3))
    initialized = accept(bench, decide(bench.cluster, start(context="other"), origin())).events[0]
    assert isinstance(initialized, JobInitialized)
    assert (initialized.context.name, initialized.context.max_jobs) == ("other", 3)


def cancel(job_id: str) -> CancelRequest:
    return CancelRequest(job_id=job_id, requested_by="user", reason="asked")


def test_a_cancel_waits_for_the_decision_in_flight_and_is_settled_by_its_effect() -> None:
    bench = given()
    decision = accept(bench, decide(bench.cluster, start(), origin()))
    assert decide(bench.cluster, cancel(decision.job_id), origin(1)) == Waits(decision.job_id)
    bench.append(*decision.events, started(host="host-1", job_id=decision.job_id))
    asked = accept(bench, decide(bench.cluster, cancel(decision.job_id), origin(1)))
    assert isinstance(asked.events[0], JobCancelRequested)
    bench.append(*asked.events)
    assert decide(bench.cluster, cancel(decision.job_id), origin(1)) == Settled()


def test_a_cancel_of_an_unknown_job_is_refused_and_of_an_ended_one_settled() -> None:
    bench = given()
    assert isinstance(decide(bench.cluster, cancel("nobody"), origin()), Refused)
    ended = accept(bench, decide(bench.cluster, start(endpoint="nope"), origin()))
    bench.append(*ended.events)
    assert decide(bench.cluster, cancel(ended.job_id), origin()) == Settled()
