"""A job's row in the gateway: the fold and the history, whatever is delivered again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.facts.job_events import JobEvent
from mist_domain.job import Status, fold
from mist_gateway.projection.entry import HistoryStep, JobRow, Position, fold_job
from mist_gateway.projection.feed import Feed
from mist_gateway.projection.jobs import JobTable
from support import facts

LIFE: list[JobEvent] = [
    facts.initialized(),
    facts.queued(),
    facts.assigned(),
    facts.started(),
    facts.finished(attempt=7),
    facts.finished(),
    facts.canceled(),
]
ANY_FACT = st.sampled_from([*LIFE, facts.cancel_requested(), facts.lost_by_host(), facts.failed(), facts.refused()])


def row_of(events: list[JobEvent]) -> JobRow:
    row: JobRow | None = None
    for offset, event in enumerate(events):
        row = fold_job(row, event, Position(0, offset * 3, 1000 + offset))
    assert row is not None
    return row


def test_a_history_says_where_each_record_is_and_what_it_led_to() -> None:
    steps = list(row_of(LIFE).history())
    assert [step.offset for step in steps] == [0, 3, 6, 9, 12, 15, 18]
    assert [step.status for step in steps] == [
        Status.INITIALIZED, Status.QUEUED, Status.ASSIGNED, Status.STARTED, None, Status.FINISHED, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "step"), [(9, HistoryStep(9, Status.STARTED)), (12, HistoryStep(12, None)), (10, None), (99, None)]
)
def test_a_record_is_found_by_its_offset(offset: int, step: HistoryStep | None) -> None:
    assert row_of(LIFE).step_at(offset) == step


def test_a_large_offset_keeps_its_status() -> None:
    row = fold_job(None, facts.initialized(), Position(7, 2**50, 0))
    assert list(row.history()) == [HistoryStep(2**50, Status.INITIALIZED)]


@given(st.lists(ANY_FACT, max_size=20))
def test_the_row_holds_the_fold(events: list[JobEvent]) -> None:
    jobs = JobTable(Feed(1))
    for offset, event in enumerate(events):
        jobs.fold(event, Position(0, offset, offset))
    expected = fold(facts.JOB, [(event, at) for at, event in enumerate(events)])
    known = jobs.find(facts.JOB)
    assert (known is not None) == (expected.status is not Status.UNKNOWN)
    if isinstance(known, JobRow):
        assert known.job == expected
        assert sum(step.status is not None for step in known.history()) == expected.version


def test_a_record_of_a_job_that_never_was_is_kept_but_is_no_job() -> None:
    jobs = JobTable(Feed(1))
    jobs.fold(facts.cancel_requested(), Position(0, 0, 0))
    assert jobs.find(facts.JOB) is None
    assert jobs.all.total() == 0
    jobs.fold(facts.initialized(), Position(0, 1, 1))
    assert [step.status for step in jobs.rows[facts.JOB].history()] == [None, Status.INITIALIZED]
