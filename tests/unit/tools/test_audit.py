"""Breaches that the audit finds, each with its record."""

from collections.abc import Sequence

import pytest

from mist_domain import job as job_module
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.requests import job_id_of
from mist_domain.job import Job, Status
from mist_tools.verify.audit import Audit, BreachError
from support.facts import JOB, assigned, finished, initialized, lost_by_host, origin, queued, start, started

LIFE: Sequence[JobEvent] = [initialized(), queued(), assigned(), started(), finished()]


def audited(events: Sequence[JobEvent], times: Sequence[int] | None = None) -> Audit:
    audit = Audit()
    for offset, event in enumerate(events):
        audit.take(event, times[offset] if times else offset, f"mist.job-events/0@{offset}")
    return audit


def test_a_whole_life_is_in_order_and_repeats_are_only_counted() -> None:
    audit = audited([*LIFE, finished(), initialized()])
    assert audit.jobs[JOB].status is Status.FINISHED
    assert (audit.read, audit.ignored) == (7, 2)


def test_a_job_that_does_not_begin_with_its_initialization_is_a_breach() -> None:
    with pytest.raises(BreachError, match=r"mist.job-events/0@0: .* begins with JobQueued"):
        audited([queued()])


def test_time_that_goes_back_is_a_breach() -> None:
    with pytest.raises(BreachError, match="goes back in time"):
        audited(LIFE, times=[5, 4, 6, 7, 8])


def test_an_attempt_that_starts_twice_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {**job_module.TRANSITIONS, Status.STARTED: {type(started()): Status.STARTED}}
    monkeypatch.setattr(job_module, "TRANSITIONS", table)
    with pytest.raises(BreachError, match=r"@4: attempt 1 .* starts twice"):
        audited([*LIFE[:4], started()])


def test_more_starts_than_retries_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(_: Job) -> bool:
        return True

    monkeypatch.setattr(job_module, "has_another_attempt", always)
    with pytest.raises(BreachError, match="starts 2 times with 0 retries"):
        audited([*LIFE[:4], lost_by_host(), assigned(5, 2), started(2)])


def test_a_decided_request_without_a_job_is_a_breach() -> None:
    audit = audited([initialized(job_id_of("e", "r"))])
    audit.check_request(start("r"), origin())
    with pytest.raises(BreachError, match=r"mist.requests/0@3: request 'other'"):
        audit.check_request(start("other"), origin(3))
