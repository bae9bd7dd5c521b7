"""A service without history keeps open jobs whole; an ended job takes no room and is not begun again."""

import uuid
from collections.abc import Callable

import pytest

from mist_domain.ended_jobs import OpenJobs
from mist_domain.facts.job_events import JobEvent
from mist_domain.job import Status
from support import facts

LIFE: list[JobEvent] = [
    facts.initialized(), facts.queued(), facts.assigned(), facts.started(), facts.finished(),
]  # fmt: skip


def test_an_ended_job_takes_no_room_and_its_events_change_nothing() -> None:
    fold = OpenJobs()
    after = [fold.fold(event, 0) for event in LIFE]
    assert [job.status for job in after if job is not None][-1] is Status.FINISHED
    assert len([job for job in after if job is not None]) == 5
    assert fold.jobs == {}
    assert [fold.fold(event, 0) for event in (*LIFE, facts.failed())] == [None] * 6
    assert fold.jobs == {}


def test_an_event_of_an_unknown_job_is_ignored() -> None:
    fold = OpenJobs()
    assert fold.fold(facts.started(), 0) is None
    assert fold.jobs == {}


@pytest.mark.parametrize("form", [str, lambda job: job.hex, lambda job: str(job).upper(), lambda job: f"{job}x"])
def test_ids_that_differ_in_their_form_are_different_jobs(form: Callable[[uuid.UUID], str]) -> None:
    """Only the usual form of a UUID is packed: two ids in one packing would be one job."""
    job = uuid.UUID(int=0xABCDEF)
    other = form(job)
    fold = OpenJobs()
    fold.fold(facts.initialized(job_id=str(job)), 0)
    fold.fold(facts.cancel_requested(job_id=str(job)), 0)
    fold.fold(facts.initialized(job_id=other), 0)
    assert (other in fold.jobs) == (other != str(job))
