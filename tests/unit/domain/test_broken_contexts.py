"""A context whose drivers die five times in a row at start is broken: its jobs fail at once until it is changed."""

from dataclasses import replace

import pytest

from mist_domain.facts.job_events import JobAssigned, JobEvent, JobFailed
from mist_domain.facts.registry import DEFAULT_CONTEXT, Context, ContextDefined, ContextRemoved
from mist_domain.scheduling.decide import decide
from mist_domain.scheduling.jobs import Decision
from support.facts import HOST, Bench, assigned, host_state, initialized, lost_by_host, origin, queued, start, started

BAD = "bad"


def fail_driver(bench: Bench, number: int, *jobs: str, context: str = BAD) -> None:
    """Jobs waited in a driver of the host, and it died."""
    for job_id in jobs or (f"job-{number}",):
        bench.append(initialized(job_id, context=Context(name=context)), queued(job_id=job_id), assigned(job_id=job_id))
    for job_id in jobs or (f"job-{number}",):
        bench.append(replace(lost_by_host(job_id=job_id), failed_driver=f"{HOST}/{number}"))


def asked(bench: Bench, request_id: str = "new") -> list[type[JobEvent]]:
    """The facts that a new request of the context becomes."""
    verdict = decide(bench.cluster, start(request_id, context=BAD), origin())
    assert isinstance(verdict, Decision)
    return [type(event) for event in verdict.events]


def planned(bench: Bench) -> dict[str, JobEvent]:
    events = {event.job_id: event for decision in bench.plan() for event in decision.events}
    bench.append(*events.values())
    return events


def broken_bench() -> Bench:
    bench = Bench(Context(name=BAD))
    for number in range(5):
        fail_driver(bench, number)
    return bench


def test_a_new_job_of_a_broken_context_fails_at_once_and_says_why() -> None:
    verdict = decide(broken_bench().cluster, start("new", context=BAD), origin())
    assert isinstance(verdict, Decision)
    failed = verdict.events[-1]
    assert isinstance(failed, JobFailed)
    assert "context 'bad' is broken" in failed.error
    assert "the driver died" in failed.error
    assert "until the context is changed" in failed.error


def test_those_who_wait_and_those_who_back_off_fail_with_it() -> None:
    bench = Bench(Context(name=BAD))
    for number in range(4):
        fail_driver(bench, number)
    bench.append(initialized("waits", context=Context(name=BAD)), queued(job_id="waits"))
    fail_driver(bench, 4)
    events = planned(bench)
    assert set(events) == {"waits", *(f"job-{number}" for number in range(5))}
    assert {type(event) for event in events.values()} == {JobFailed}
    assert bench.cluster.jobs.open == {}


def test_other_contexts_go_on() -> None:
    bench = broken_bench()
    bench.append(initialized("fine", context=Context(name="fine")), queued(job_id="fine"))
    bench.hear(host_state())
    assert isinstance(planned(bench)["fine"], JobAssigned)


def test_a_driver_that_takes_many_jobs_with_it_counts_once() -> None:
    bench = Bench(Context(name=BAD))
    fail_driver(bench, 1, "a", "b", "c", "d", "e", "f")
    assert JobFailed not in asked(bench)


def test_a_loss_that_was_no_driver_s_fault_does_not_count() -> None:
    bench = Bench(Context(name=BAD))
    for number in range(5):
        job_id = f"job-{number}"
        bench.append(initialized(job_id, context=Context(name=BAD)), queued(job_id=job_id), assigned(job_id=job_id))
        bench.append(lost_by_host(job_id=job_id))
    assert JobFailed not in asked(bench)


def test_it_takes_five_in_a_row() -> None:
    bench = Bench(Context(name=BAD))
    for number in range(4):
        fail_driver(bench, number)
    bench.tick()
    bench.append(initialized("ok", context=Context(name=BAD)), queued(job_id="ok"), assigned(job_id="ok"))
    bench.append(started(job_id="ok"))
    bench.tick()
    fail_driver(bench, 5)
    assert JobFailed not in asked(bench)


@pytest.mark.parametrize("change", [ContextDefined(context=Context(name=BAD)), ContextRemoved(name=BAD)])
def test_a_change_of_the_context_mends_it(change: ContextDefined | ContextRemoved) -> None:
    bench = broken_bench()
    bench.cluster.fold_registry(change, 2, bench.time)
    assert JobFailed not in asked(bench)


def test_a_change_of_the_default_mends_contexts_that_were_never_defined() -> None:
    bench = Bench()
    for number in range(5):
        fail_driver(bench, number)
    assert JobFailed in asked(bench)
    bench.cluster.fold_registry(ContextDefined(context=Context(name=DEFAULT_CONTEXT)), 2, bench.time)
    assert JobFailed not in asked(bench)


def test_a_replay_in_another_order_of_topics_tells_the_same() -> None:
    """The registry may be read before the jobs' facts of long ago."""
    bench = Bench(Context(name=BAD))
    bench.cluster.fold_registry(ContextDefined(context=Context(name=BAD)), 2, bench.time + 60_000)
    for number in range(5):
        fail_driver(bench, number)
    assert JobFailed not in asked(bench)
