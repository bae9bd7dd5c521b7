"""Lists of jobs: newest first, exact totals, requests that nobody has decided yet among them."""

from hypothesis import given
from hypothesis import strategies as st

from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.requests import job_id_of
from mist_gateway.projection.entry import Position
from mist_gateway.projection.feed import Feed
from mist_gateway.projection.job_index import STATUSES
from mist_gateway.projection.jobs import JobTable
from support import facts


def new_jobs() -> JobTable:
    return JobTable(Feed(1))


def live(jobs: JobTable, job_id: str, at: int, steps: int) -> None:
    """Fold the first `steps` facts of a job's life; the fifth one finishes it."""
    life: list[JobEvent] = [
        facts.initialized(job_id),
        facts.queued(job_id=job_id),
        facts.assigned(job_id=job_id),
        facts.started(job_id=job_id),
        facts.finished(job_id=job_id),
    ]
    for event in life[:steps]:
        jobs.fold(event, Position(0, at * 10 + steps, at))


def test_the_newest_job_comes_first_whatever_its_status() -> None:
    jobs = new_jobs()
    for at, steps in enumerate([5, 1, 5, 4, 2]):
        live(jobs, f"job-{at}", at, steps)
    assert jobs.all.newest([], 0, 10) == ["job-4", "job-3", "job-2", "job-1", "job-0"]
    assert jobs.all.newest([], 1, 2) == ["job-3", "job-2"]
    assert jobs.all.newest(["finished"], 0, 10) == ["job-2", "job-0"]
    assert jobs.all.newest(["finished", "started"], 0, 10) == ["job-3", "job-2", "job-0"]


@given(st.lists(st.integers(1, 5), max_size=30))
def test_totals_are_those_of_the_lists(lives: list[int]) -> None:
    jobs = new_jobs()
    for at, steps in enumerate(lives):
        live(jobs, f"job-{at}", at, steps)
    assert jobs.all.total() == len(lives) == len(jobs.all.newest([], 0, 100))
    for status in STATUSES:
        assert jobs.all.total([status]) == len(jobs.all.newest([status], 0, 100))
    assert jobs.all.total(["finished", "finished"]) == jobs.all.total(["finished"])


def test_a_request_is_shown_until_its_job_is_there() -> None:
    jobs = new_jobs()
    job_id = jobs.add_request(facts.start("r"), facts.origin())
    assert job_id == job_id_of("e", "r")
    assert jobs.all.counts()["initialized"] == jobs.all.total() == 1
    live(jobs, job_id, 1, 2)
    assert jobs.pending == {}
    assert jobs.all.counts()["queued"] == jobs.all.total() == 1
    assert jobs.add_request(facts.start("r"), facts.origin()) == job_id
    assert jobs.pending == {}


def test_a_request_that_became_nothing_is_forgotten_once_it_is_committed() -> None:
    jobs = new_jobs()
    job_id = jobs.add_request(facts.start("r"), facts.origin(offset=5))
    jobs.drop_refused([job_id], {0: 5})
    assert jobs.all.total() == 1
    jobs.drop_refused([job_id], {0: 6})
    assert jobs.all.total() == 0
    index = jobs.of_endpoint("e")
    assert index is not None
    assert index.total() == 0
