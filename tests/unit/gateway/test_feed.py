"""The feed: accepted transitions, each with its cursor, bounded for slow readers."""

import json

import pytest

from mist_domain.facts.job_events import JobEvent
from mist_domain.wire.cursor import read_cursor
from mist_gateway.projection.entry import Position
from mist_gateway.projection.feed import Feed, Frame, Listener
from mist_gateway.projection.jobs import JobTable
from support import facts


def listener(
    job_id: str | None = None, *, phases: bool = False, most: int = 100, most_bytes: int = 100_000
) -> Listener:
    return Listener(job_id=job_id, phases=phases, max_frames=most, max_bytes=most_bytes)


def live(jobs: JobTable, events: list[JobEvent]) -> None:
    for offset, event in enumerate(events, 10):
        jobs.fold(event, Position(1, offset, 1000 + offset))


LIFE: list[JobEvent] = [
    facts.initialized(external_id="mine"),
    facts.queued(),
    facts.assigned(),
    facts.lost_by_host(),
    facts.assigned(version=4, attempt=2),
    facts.started(attempt=2),
    facts.finished(attempt=1),
    facts.finished(attempt=2),
]


def feed_at(offsets: list[int]) -> Feed:
    """A feed that has read up to these offsets, one for each partition."""
    feed = Feed(len(offsets))
    for partition, offset in enumerate(offsets):
        feed.advance(Position(partition, offset, 0))
    return feed


async def told(one: Listener) -> list[str]:
    return [json.loads(frame.text)["event"] for frame in await one.next_frames()]


async def test_accepted_transitions_are_told_and_retries_only_to_who_asks() -> None:
    jobs = JobTable(feed_at([5, 9, 7]))
    plain, phases, other = listener(), listener(facts.JOB, phases=True), listener("job-2")
    for one in (plain, phases, other):
        jobs.feed.add(one)
    live(jobs, LIFE)
    assert await told(plain) == ["initialized", "queued", "started", "finished"]
    assert await told(phases) == [
        "initialized", "queued", "worker-assigned", "queued", "worker-assigned", "started", "finished",
    ]  # fmt: skip
    other.put(Frame('{"event":"end"}'))
    assert await told(other) == ["end"]


async def test_initialized_has_the_params_that_the_job_itself_shows() -> None:
    jobs = JobTable(feed_at([5, 9, 7]))
    one = listener()
    jobs.feed.add(one)
    live(jobs, [facts.initialized(parameters='{"n":1}')])
    (frame,) = await one.next_frames()
    assert json.loads(frame.text)["params"] == {
        "filePath": "file:///e.py",
        "className": "e",
        "arguments": {"n": 1},
        "action": "execute",
    }


async def test_a_cursor_names_the_event_and_all_before_it() -> None:
    jobs = JobTable(feed_at([5, 9, 7]))
    one = listener()
    jobs.feed.add(one)
    live(jobs, LIFE)
    frames = await one.next_frames()
    assert [read_cursor(frame.cursor or "", 3) for frame in frames] == [[5, 10, 7], [5, 11, 7], [5, 15, 7], [5, 17, 7]]
    assert list(json.loads(frames[0].text)) == [
        "event", "id", "params", "endpoint", "context", "externalId", "time", "cursor",
    ]  # fmt: skip


async def test_a_listener_past_its_bound_is_overrun_and_keeps_nothing() -> None:
    for bounded in (listener(most=3), listener(most_bytes=30)):
        for _ in range(4):
            bounded.put(Frame("x" * 10, "c"))
        assert bounded.overrun
        assert await bounded.next_frames() == []


def test_nothing_is_made_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = JobTable(feed_at([5, 9, 7]))
    monkeypatch.setattr(jobs.feed, "publish", lambda *_: pytest.fail("a frame was made"))
    live(jobs, LIFE)
    assert not jobs.feed.has_listeners(facts.JOB)
    one = listener("job-2")
    jobs.feed.add(one)
    assert not jobs.feed.has_listeners(facts.JOB)
    jobs.feed.remove(one)
    assert len(jobs.feed) == 0
