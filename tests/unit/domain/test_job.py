"""The state machine: the table, what fences a fact off, and laws over random histories drawn from the table itself."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.facts.job_events import JobEvent, JobFailed, JobInitialized
from mist_domain.job import TRANSITIONS, Job, Status, evolve, fold, shown, worker_id_for
from support.facts import (
    JOB,
    assigned,
    cancel_requested,
    canceled,
    failed,
    finished,
    initialized,
    lost_by_host,
    lost_by_scheduler,
    queued,
    refused,
    started,
)

TO: dict[Status, list[JobEvent]] = {
    Status.UNKNOWN: [],
    Status.INITIALIZED: [initialized()],
    Status.QUEUED: [initialized(), queued()],
    Status.ASSIGNED: [initialized(), queued(), assigned()],
    Status.STARTED: [initialized(), queued(), assigned(), started()],
    Status.CANCELLING: [initialized(), queued(), assigned(), started(), cancel_requested()],
    Status.FINISHED: [initialized(), queued(), assigned(), started(), finished()],
    Status.FAILED: [initialized(), refused()],
    Status.CANCELED: [initialized(), cancel_requested()],
}

CURRENT: list[Callable[[Job], JobEvent]] = [
    lambda _: initialized(),
    lambda job: queued(job.version),
    lambda job: assigned(job.version, job.attempt),
    lambda job: started(job.attempt),
    lambda job: finished(job.attempt),
    lambda job: failed(job.attempt),
    lambda job: refused(job.version),
    lambda _: cancel_requested(),
    lambda job: canceled(job.attempt),
    lambda job: lost_by_host(job.attempt),
    lambda job: lost_by_scheduler(job.version, job.attempt),
]


def after(events: list[JobEvent], job: Job | None = None) -> Job:
    job = job or Job(JOB)
    for at, event in enumerate(events):
        job = evolve(job, event, at)
    return job


@st.composite
def histories(draw: st.DrawFn, *, retries: int = 1) -> list[JobEvent]:
    """A walk through `TRANSITIONS`: facts current when they were written, some of them refused by the table."""
    job, log = Job(JOB), list[JobEvent]()
    for make in [lambda _: initialized(retries=retries), *draw(st.lists(st.sampled_from(CURRENT), max_size=25))]:
        event = make(job)
        log.append(event)
        job = evolve(job, event, len(log))
    return log


@pytest.mark.parametrize("status", TO)
def test_each_status_is_reached_by_its_facts(status: Status) -> None:
    assert after(TO[status]).status is status


@pytest.mark.parametrize("status", TO)
@pytest.mark.parametrize("make", CURRENT)
def test_a_fact_counts_exactly_where_the_table_has_it(status: Status, make: Callable[[Job], JobEvent]) -> None:
    job = after(TO[status])
    event = make(job)
    taken = evolve(job, event, 9)
    wrong_side = isinstance(event, JobFailed) and (status < Status.ASSIGNED) == (event.attempt is not None)
    if type(event) in TRANSITIONS[status] and not wrong_side:
        assert taken.version == job.version + 1
    else:
        assert taken is job


@pytest.mark.parametrize("status", [status for status in Status if not status.final])
def test_every_status_that_is_not_final_can_end(status: Status) -> None:
    seen, edge = {status}, {status}
    while edge:
        targets = {target for one in edge for target in TRANSITIONS[one].values()}
        flat = {getattr(target, name) for target in targets for name in ("retry", "give_up") if hasattr(target, name)}
        edge = (flat | {target for target in targets if isinstance(target, Status)}) - seen
        seen |= edge
    assert any(one.final for one in seen)


def accepted(log: list[JobEvent]) -> list[JobEvent]:
    """Events that the fold accepted. A cancel is left out: being unconditional, it may count again later."""
    job, taken = Job(JOB), list[JobEvent]()
    for event in log:
        before, job = job, evolve(job, event, 0)
        if job is not before and event != cancel_requested():
            taken.append(event)
    return taken


@given(histories())
def test_an_old_record_changes_nothing(log: list[JobEvent]) -> None:
    job = after(log)
    assert all(evolve(job, event, 99) is job for event in accepted(log))


@given(histories(), st.data())
def test_delivering_any_part_again_gives_the_same_job(log: list[JobEvent], data: st.DataObject) -> None:
    taken = accepted(log)
    again = taken[data.draw(st.integers(0, len(taken))) :]
    assert after(again, after(log)) == after(log)


@given(histories(), st.sampled_from(CURRENT))
def test_final_is_final(log: list[JobEvent], make: Callable[[Job], JobEvent]) -> None:
    job = after([*log, cancel_requested(), lost_by_host(after([*log, cancel_requested()]).attempt)])
    assert job.status.final
    assert evolve(job, make(job), 99) is job


@given(histories())
def test_a_job_starts_at_most_once_per_attempt_and_no_more_often_than_its_retries_allow(log: list[JobEvent]) -> None:
    job = after(log)
    assert job.starts <= 2
    assert job.starts <= job.attempt


def test_a_decision_taken_on_an_older_state_is_ignored() -> None:
    job = after(TO[Status.ASSIGNED])
    assert evolve(job, lost_by_scheduler(version=job.version - 1), 9) is job
    assert evolve(after(TO[Status.QUEUED]), assigned(version=1), 9).status is Status.QUEUED


def test_a_fact_of_another_attempt_or_host_is_ignored() -> None:
    job = after([*TO[Status.ASSIGNED], lost_by_host(), assigned(version=4, attempt=2, host="host-2")])
    assert job.status is Status.ASSIGNED
    assert evolve(job, started(attempt=1, host="host-1"), 9) is job
    assert evolve(job, started(attempt=2, host="host-1"), 9) is job
    assert evolve(job, started(attempt=2, host="host-2"), 9).status is Status.STARTED


def test_a_cancel_is_accepted_whatever_happened_since_it_was_decided() -> None:
    for status, events in TO.items():
        if not status.final and status is not Status.UNKNOWN:
            assert after([*events, cancel_requested()]).cancel == cancel_requested()


def test_a_lost_attempt_that_never_started_is_tried_five_times() -> None:
    job = after(TO[Status.QUEUED])
    for attempt in range(1, 6):
        assert job.status is Status.QUEUED
        job = after([assigned(job.version, attempt), lost_by_host(attempt)], job)
    assert job.status is Status.FAILED
    assert job.error == "the driver died"


def test_a_lost_attempt_that_ran_is_tried_again_only_as_often_as_the_job_allows() -> None:
    ran: list[JobEvent] = [queued(), assigned(), started(), lost_by_host()]
    assert after([initialized(retries=0), *ran]).status is Status.FAILED
    again = after([initialized(retries=1), *ran])
    assert (again.status, again.attempt, again.worker_id) == (Status.QUEUED, 2, None)
    assert after([assigned(5, 2), started(2), lost_by_host(2)], again).status is Status.FAILED


def test_an_attempt_lost_while_cancelling_is_canceled_not_tried_again() -> None:
    job = after([initialized(retries=5), *TO[Status.CANCELLING][1:], lost_by_host()])
    assert job.status is Status.CANCELED
    assert job.error is None


def test_times_are_those_of_the_records() -> None:
    job = fold(JOB, [(event, 10 * at) for at, event in enumerate(TO[Status.FINISHED], start=1)])
    assert (job.created_at, job.queued_at, job.started_at, job.ended_at) == (10, 20, 40, 50)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.ASSIGNED, "queued"),
        (Status.STARTED, "started"),
        (Status.CANCELLING, "started"),
        (Status.CANCELED, "canceled"),
    ],
)
def test_clients_see_the_six_words_of_the_seed(status: Status, word: str) -> None:
    assert shown(after(TO[status])) == word


def test_a_cancel_before_the_start_shows_as_queued() -> None:
    assert shown(after([*TO[Status.ASSIGNED], cancel_requested()])) == "queued"


@pytest.mark.parametrize(
    ("changes", "worker_id"),
    [
        ({}, "default"),
        ({"mode": "exclusive"}, f"default-{JOB}"),
        ({"mode": "exclusive", "worker_id_prefix": "w"}, f"default-w-{JOB}"),
    ],
)
def test_worker_ids_tell_context_and_job(changes: dict[str, str], worker_id: str) -> None:
    fact: JobInitialized = initialized(**changes)
    assert worker_id_for(fact) == worker_id
