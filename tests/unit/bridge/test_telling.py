"""What the bridge tells and takes: each accepted event once, whoever tells it; each message for what it is."""

import json

import pytest

from mist_bridge.messages import OwnEvent, Rejected, fit, read_message, write_rejection
from mist_bridge.telling import KEPT_MS, Telling
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.requests import StartRequest
from mist_domain.wire.cursor import read_cursor
from support import facts

LIFE: list[JobEvent] = [
    facts.initialized(external_id="mine"), facts.queued(), facts.assigned(), facts.started(), facts.finished(),
]  # fmt: skip
WORDS = ["initialized", "queued", "started", "finished"]


def live(telling: Telling, events: list[JobEvent], *, first: int = 0, now: int | None = None) -> None:
    for offset, event in enumerate(events, first):
        telling.fold(event, 2, offset, offset, now if now is not None else offset)


def told(telling: Telling) -> list[str]:
    return [json.loads(one.text)["event"] for one in telling.take()]


def active() -> Telling:
    telling = Telling(3)
    telling.begin()
    return telling


def test_each_accepted_step_is_told_once() -> None:
    telling = active()
    live(telling, LIFE)
    assert told(telling) == WORDS
    assert told(telling) == []


def test_a_late_or_repeated_fact_is_not_told_and_a_job_that_is_over_takes_no_room() -> None:
    telling = active()
    live(telling, [*LIFE, *LIFE, facts.failed()])
    assert told(telling) == WORDS
    assert telling.jobs == 0


def test_an_event_names_its_own_place_and_nothing_else() -> None:
    telling = active()
    live(telling, LIFE)
    cursors = [read_cursor(json.loads(one.text)["cursor"], 3) for one in telling.take()]
    assert cursors == [[-1, -1, offset] for offset in (0, 1, 3, 4)]


def test_one_that_takes_over_tells_what_was_not_read_back() -> None:
    telling = Telling(3)
    live(telling, LIFE)
    telling.read_back(2, 1)
    telling.begin()
    assert told(telling) == WORDS[2:]


def test_what_was_handed_out_and_not_read_back_is_told_by_the_next() -> None:
    telling = active()
    live(telling, LIFE)
    assert told(telling) == WORDS
    telling.read_back(2, 3)
    telling.begin()
    assert told(telling) == ["finished"]
    telling.read_back(2, 4)
    assert len(telling) == 0


def test_after_a_restart_nothing_is_told_again() -> None:
    telling = Telling(3)
    telling.read_back(2, 3)
    live(telling, LIFE)
    telling.begin()
    assert told(telling) == ["finished"]


def test_what_the_topic_would_delete_at_once_is_not_told() -> None:
    telling = active()
    live(telling, LIFE, now=KEPT_MS + 3)
    assert told(telling) == ["finished"]


def test_a_job_that_failed_says_whose_it_is() -> None:
    telling = active()
    live(telling, [facts.initialized(external_id="mine"), facts.refused()])
    failed = json.loads(list(telling.take())[-1].text)
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
    telling = active()
    live(telling, LIFE)
    for one in telling.take():
        assert read_message(one.text.encode(), retained=False) == OwnEvent()
    rejection = write_rejection(Rejected("no", "x"), b"{}")
    assert read_message(rejection.encode(), retained=True) == OwnEvent()


@pytest.mark.parametrize(
    ("payload", "says", "whose"),
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
def test_what_is_no_start_request_is_rejected_in_words(payload: bytes, says: str, whose: str | None) -> None:
    rejected = read_message(payload, retained=False)
    assert isinstance(rejected, Rejected)
    assert says in rejected.reason
    assert rejected.external_id == whose


def test_a_retained_request_is_rejected() -> None:
    rejected = read_message(message(REQUEST), retained=True)
    assert isinstance(rejected, Rejected)
    assert "retained" in rejected.reason


def test_an_event_too_large_for_mqtt_says_so_and_where_the_whole_is() -> None:
    event = {"event": "finished", "id": "j", "result": {"x": "ü" * 1000}, "cursor": "c"}
    text = json.dumps(event, ensure_ascii=False)
    assert fit(text, len(text.encode())) == text
    short = json.loads(fit(text, len(text.encode()) - 1))
    assert "GET /v2/api/jobs/j" in short["result"]["omitted"]
    assert (short["event"], short["id"], short["cursor"]) == ("finished", "j", "c")
