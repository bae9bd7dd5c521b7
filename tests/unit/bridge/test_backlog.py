"""The bridge publishes each accepted event once, whichever instance does it, and reads each MQTT message for what it is."""

import json

import pytest

from mist_bridge.backlog import Backlog, announced_offset
from mist_bridge.messages import OwnEvent, Rejected, fit, read_message, write_rejection
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.requests import StartRequest
from mist_domain.wire.cursor import read_cursor
from support import facts

LIFE: list[JobEvent] = [
    facts.initialized(external_id="mine"), facts.queued(), facts.assigned(), facts.started(), facts.finished(),
]  # fmt: skip
RETENTION_MS = 7 * 24 * 3600 * 1000
WORDS = ["initialized", "queued", "started", "finished"]


def live(backlog: Backlog, events: list[JobEvent], *, first: int = 0, now: int | None = None) -> None:
    for offset, event in enumerate(events, first):
        backlog.fold(event, 2, offset, offset, now if now is not None else offset)


def submitted(backlog: Backlog) -> list[str]:
    return [json.loads(event.text)["event"] for event in backlog.submit()]


def active() -> Backlog:
    backlog = Backlog(3, RETENTION_MS)
    backlog.restart()
    return backlog


def test_each_accepted_step_is_submitted_once() -> None:
    backlog = active()
    live(backlog, LIFE)
    assert submitted(backlog) == WORDS
    assert submitted(backlog) == []


def test_a_late_or_repeated_fact_is_not_submitted_and_a_job_that_has_ended_takes_no_room() -> None:
    backlog = active()
    live(backlog, [*LIFE, *LIFE, facts.failed()])
    assert submitted(backlog) == WORDS
    assert backlog.jobs == 0


def test_an_event_names_its_own_place_and_nothing_else() -> None:
    backlog = active()
    live(backlog, LIFE)
    cursors = [read_cursor(json.loads(event.text)["cursor"], 3) for event in backlog.submit()]
    assert cursors == [[-1, -1, offset] for offset in (0, 1, 3, 4)]


def test_a_new_active_instance_submits_all_that_was_not_read_back() -> None:
    backlog = Backlog(3, RETENTION_MS)
    live(backlog, LIFE)
    backlog.read_back(2, 1)
    backlog.restart()
    assert submitted(backlog) == WORDS[2:]


def test_an_event_submitted_but_not_read_back_is_submitted_by_the_next_instance() -> None:
    backlog = active()
    live(backlog, LIFE)
    assert submitted(backlog) == WORDS
    backlog.read_back(2, 3)
    backlog.restart()
    assert submitted(backlog) == ["finished"]
    backlog.read_back(2, 4)
    assert len(backlog) == 0


def test_after_a_restart_nothing_is_submitted_again() -> None:
    backlog = Backlog(3, RETENTION_MS)
    backlog.read_back(2, 3)
    live(backlog, LIFE)
    backlog.restart()
    assert submitted(backlog) == ["finished"]


def test_an_event_older_than_the_topic_s_retention_is_not_submitted() -> None:
    backlog = active()
    live(backlog, LIFE, now=RETENTION_MS + 3)
    assert submitted(backlog) == ["finished"]


def test_a_failed_job_carries_the_client_s_label() -> None:
    backlog = active()
    live(backlog, [facts.initialized(external_id="mine"), facts.refused()])
    failed = json.loads(list(backlog.submit())[-1].text)
    assert (failed["event"], failed["externalId"], failed["error"]) == ("failed", "mine", "bad parameters")


REQUEST = {
    "endpointId": "e",
    "parameters": {"n": 1},
    "externalId": "x",
    "runSettings": {"contextId": "c", "mode": "exlusive"},
}


def message(body: object) -> bytes:
    return json.dumps(body).encode()


def test_a_start_request_is_read_with_its_source() -> None:
    request = read_message(message(REQUEST), retained=False)
    assert isinstance(request, StartRequest)
    assert (request.endpoint, request.parameters, request.external_id) == ("e", '{"n":1}', "x")
    assert (request.context, request.mode, request.source) == ("c", "exclusive", "Async Mqtt")
    assert isinstance(read_message(b'{"functionId": "f"}', retained=False), StartRequest)


def test_own_events_are_nobodys_requests() -> None:
    backlog = active()
    live(backlog, LIFE)
    for event in backlog.submit():
        assert read_message(event.text.encode(), retained=False) == OwnEvent()
    rejection = write_rejection(Rejected("no", "x"), b"{}", 0)
    assert read_message(rejection.encode(), retained=True) == OwnEvent()


@pytest.mark.parametrize(
    ("payload", "reason", "label"),
    [
        (b"", "malformed", None),
        (b"\xff\xfe{}", "UTF-8", None),
        (b"[1]", "JSON object", None),
        (b'{"event": "finished", "endpointId": 3, "externalId": "x"}', "'endpointId' must be a string", "x"),
        (b'{"parameters": {}, "externalId": "x"}', "needs 'endpointId'", "x"),
        (b'{"endpointId": "e", "externalId": "x", "parameters": {"n": NaN}}', "NaN", "x"),
        (b'{"endpointId": "e", "externalId": "x", "endpointId": "f"}', "'endpointId' stands twice", "x"),
        (b'{"endpointId": "e", "parameters": ' + b"[" * 1000 + b"]" * 1000 + b"}", "deeper than 100", None),
        (b"x" * 10_000_000, "10000000 bytes", None),
    ],
)
def test_what_is_no_start_request_is_rejected_in_words(payload: bytes, reason: str, label: str | None) -> None:
    rejected = read_message(payload, retained=False)
    assert isinstance(rejected, Rejected)
    assert reason in rejected.reason
    assert rejected.external_id == label


def test_a_retained_request_is_rejected() -> None:
    rejected = read_message(message(REQUEST), retained=True)
    assert isinstance(rejected, Rejected)
    assert "retained" in rejected.reason


def test_an_event_too_large_for_mqtt_names_where_the_whole_is() -> None:
    event = {"event": "finished", "id": "j", "result": {"x": "ü" * 1000}, "cursor": "c"}
    text = json.dumps(event, ensure_ascii=False)
    assert fit(text, len(text.encode())) == text
    short = json.loads(fit(text, len(text.encode()) - 1))
    assert "GET /v2/api/jobs/j" in short["result"]["omitted"]
    assert (short["event"], short["id"], short["cursor"]) == ("finished", "j", "c")


@pytest.mark.parametrize("value", [b"", b"rubbish", b"{}", b'{"cursor": 7}', b'{"cursor": ""}', b'{"cursor": "%%%"}'])
def test_a_stranger_s_record_in_the_published_topic_is_no_event(value: bytes) -> None:
    assert announced_offset(value) is None


def test_a_published_record_names_the_offset_of_its_fact() -> None:
    backlog = active()
    live(backlog, LIFE)
    assert [announced_offset(event.text.encode()) for event in backlog.submit()] == [0, 1, 3, 4]
