"""Lifecycle events: made from what the fold accepted, in the shape that docs/wire.md fixes."""

import pytest

from mist_domain.facts.job_events import JobEvent
from mist_domain.job import Status
from mist_domain.wire.feed import announce, announce_phase
from support.facts import (
    HOST,
    JOB,
    assigned,
    cancel_requested,
    canceled,
    failed,
    finished,
    initialized,
    lost_by_host,
    queued,
    started,
)

AT = 1_496_750_000_000


def test_initialized_shows_the_invocation_and_the_clients_label() -> None:
    event = announce(initialized(external_id="my-1"), Status.INITIALIZED, AT)
    assert event is not None
    assert list(event) == ["event", "id", "params", "endpoint", "context", "externalId", "time"]
    assert set(event["params"]) == {"filePath", "className", "arguments", "action"}


def test_initialized_without_a_label_has_no_field_for_it() -> None:
    event = announce(initialized(external_id=None), Status.INITIALIZED, AT)
    assert event is not None
    assert "externalId" not in event


@pytest.mark.parametrize(
    ("fact", "status", "word", "field"),
    [
        (queued(), Status.QUEUED, "queued", None),
        (started(), Status.STARTED, "started", "workerId"),
        (finished(), Status.FINISHED, "finished", "result"),
        (failed(), Status.FAILED, "failed", "error"),
        (canceled(), Status.CANCELED, "canceled", None),
    ],
)
def test_each_status_that_clients_know_has_one_event(
    fact: JobEvent, status: Status, word: str, field: str | None
) -> None:
    event = announce(fact, status, AT)
    assert event is not None
    assert (event["event"], event["id"], event["time"]) == (word, JOB, AT)
    assert set(event) == {"event", "id", "time"} | ({field} if field else set())


def test_a_loss_that_fails_the_job_names_its_reason() -> None:
    loss = lost_by_host()
    event = announce(loss, Status.FAILED, AT)
    assert event is not None
    assert event["error"] == loss.reason


def test_later_phases_are_for_those_who_ask() -> None:
    for fact, status in ((assigned(), Status.ASSIGNED), (cancel_requested(), Status.CANCELLING)):
        assert announce(fact, status, AT) is None
    assert announce(lost_by_host(), Status.QUEUED, AT, first=False) is None


def test_the_phases_are_worker_assigned_cancelling_and_queued_again() -> None:
    words = [
        announce_phase(assigned(), Status.ASSIGNED, AT),
        announce_phase(cancel_requested(), Status.CANCELLING, AT),
        announce_phase(lost_by_host(attempt=1, host=HOST), Status.QUEUED, AT),
        announce_phase(started(), Status.STARTED, AT),
    ]
    assert [word and word["event"] for word in words] == ["worker-assigned", "cancelling", "queued", None]
    assert words[2] is not None
    assert words[2]["attempt"] == 2


def test_an_event_that_fails_no_job_cannot_be_shown_as_a_failure() -> None:
    with pytest.raises(AssertionError, match="JobStarted"):
        announce(started(), Status.FAILED, AT)
