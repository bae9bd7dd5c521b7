"""Queue lengths by context, as the gateway counts them, and the limit at which it accepts no more."""

from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.registry import Context
from mist_domain.facts.requests import job_id_of
from mist_gateway.projection.entry import Position
from mist_gateway.projection.feed import Feed
from mist_gateway.projection.jobs import JobTable
from support import facts

TWO = Context(name="default", max_queued=2)


def jobs_with(*request_ids: str) -> JobTable:
    jobs = JobTable(Feed(1))
    for offset, request_id in enumerate(request_ids):
        jobs.add_request(facts.start(request_id), facts.origin(offset))
    return jobs


def fold(jobs: JobTable, request_id: str, steps: int) -> None:
    job_id = job_id_of("e", request_id)
    life: list[JobEvent] = [facts.initialized(job_id), facts.queued(job_id=job_id), facts.assigned(job_id=job_id)]
    life.append(facts.lost_by_host(job_id=job_id))
    for offset, event in enumerate(life[:steps]):
        jobs.fold(event, Position(0, offset, offset))


def test_requests_and_queued_jobs_count_once_each() -> None:
    jobs = jobs_with("a", "b")
    assert jobs.queues.why_full(TWO) == "context 'default' has 2 waiting already, as many as its maxQueued allows"
    fold(jobs, "a", 1)
    fold(jobs, "a", 2)
    assert jobs.queues.why_full(Context(name="default", max_queued=3)) is None
    assert jobs.queues.why_full(TWO) is not None


def test_a_job_that_was_given_to_a_host_waits_no_more_and_a_retry_does_again() -> None:
    jobs = jobs_with("a", "b")
    fold(jobs, "a", 3)
    assert jobs.queues.why_full(TWO) is None
    fold(jobs, "a", 4)
    assert jobs.queues.why_full(TWO) is not None


def test_a_request_that_became_nothing_waits_no_more() -> None:
    jobs = jobs_with("a", "b")
    jobs.drop_refused([job_id_of("e", "a")], {0: 1})
    assert jobs.queues.why_full(TWO) is None


def test_contexts_are_counted_apart_and_all_together() -> None:
    jobs = jobs_with("a", "b")
    other = Context(name="other", max_queued=1)
    assert jobs.queues.why_full(other) is None
    assert jobs.queues.why_full(other, limit=2) == "2 jobs wait already, as many as Mist keeps waiting in all"
