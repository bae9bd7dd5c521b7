"""The promises, each as a rule over the evidence: it gives a sentence for every breach. Knows nothing of Mist's code."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from drill.evidence import Attempt, Evidence, Told
from drill.orders import ENDPOINTS

FINAL = {"finished", "failed", "canceled"}
LETTERS = {"initialized": "i", "queued": "q", "started": "s", "finished": "F", "failed": "X", "canceled": "C"}
LIFE = re.compile(r"i(?:qs+F|(?:qs*)?[XC])")
SOURCES = {
    "initialized": {"JobInitialized"},
    "queued": {"JobQueued"},
    "started": {"JobStarted"},
    "finished": {"JobFinished"},
    "failed": {"JobFailed", "JobAttemptLost"},
    "canceled": {"JobCanceled", "JobCancelRequested", "JobAttemptLost"},
}
CLOCK_SLACK = 0.1
"""Seconds between two readings of the same wall clock, one of them in whole milliseconds by a busy broker."""


def lost(seen: Evidence) -> Iterator[str]:
    """Every acknowledged request is the job its id says, at every gateway."""
    for ack in seen.acks:
        if ack.job_id != ack.order.job_id:
            yield f"request {ack.order.request_id} became job {ack.job_id}, not {ack.order.job_id}"
        for gateway, jobs in seen.answers.items():
            if ack.job_id not in jobs:
                yield f"request {ack.order.request_id} ({ack.order.way}): {gateway} has no job {ack.job_id}"


def stuck(seen: Evidence) -> Iterator[str]:
    for gateway, jobs in seen.answers.items():
        for job_id, status in jobs.items():
            if status not in FINAL:
                yield f"job {job_id} is {status} at {gateway}"


def disagreeing(seen: Evidence) -> Iterator[str]:
    """All gateways answer the same."""
    gateways = list(seen.answers)
    for one, other in pairwise(gateways):
        for job_id in sorted(seen.answers[one].keys() | seen.answers[other].keys()):
            told = seen.answers[one].get(job_id), seen.answers[other].get(job_id)
            if told[0] != told[1]:
                yield f"job {job_id} is {told[0]} at {one}, {told[1]} at {other}"


def started_twice(seen: Evidence) -> Iterator[str]:
    """User code starts once, and once more for each retry its endpoint allows; one attempt never starts twice."""
    retries = {ack.job_id: ENDPOINTS[ack.order.endpoint] for ack in seen.acks}
    for job_id, attempts in seen.runs.items():
        if len(attempts) > 1 + retries.get(job_id, 0):
            yield f"job {job_id} with {retries.get(job_id, 0)} retries ran {len(attempts)} times"
        for attempt, count in Counter(one.attempt for one in attempts).items():
            if count > 1:
                yield f"attempt {attempt} of job {job_id} ran {count} times"


def overlapping(seen: Evidence) -> Iterator[str]:
    """One attempt of a job runs at a time."""
    yield from (_overlap(one, other) for one, other in _overlaps(seen) if one.pid not in seen.thawed)


def overlapping_thawed(seen: Evidence) -> Iterator[str]:
    """Not promised: what a machine that was frozen whole does before its drivers see that their lease has ended."""
    yield from (_overlap(one, other) for one, other in _overlaps(seen) if one.pid in seen.thawed)


def _overlaps(seen: Evidence) -> Iterator[tuple[Attempt, Attempt]]:
    for attempts in seen.runs.values():
        in_order = sorted(attempts, key=lambda one: one.start)
        yield from ((one, other) for one, other in pairwise(in_order) if one.last > other.start)


def _overlap(one: Attempt, other: Attempt) -> str:
    return f"job {one.job_id}: attempt {one.attempt} ran {one.last - other.start:.3f} s into attempt {other.attempt}"


def running_after_end(seen: Evidence) -> Iterator[str]:
    """Once a job is told to be over, canceled too, none of its code runs."""
    over = {told.job_id: told for feed in seen.feeds.values() for told in feed if told.event in FINAL}
    for job_id, attempts in seen.runs.items():
        end = over.get(job_id)
        for one in attempts:
            if end is not None and one.last_wall > end.time / 1000 + CLOCK_SLACK and one.pid not in seen.thawed:
                after = one.last_wall - end.time / 1000
                yield f"job {job_id}: attempt {one.attempt} ran on {after:.3f} s after the job had {end.event}"


def finished_without_running(seen: Evidence) -> Iterator[str]:
    for gateway, jobs in seen.answers.items():
        for job_id, status in jobs.items():
            if status == "finished" and not any(one.ended for one in seen.runs.get(job_id, ())):
                yield f"job {job_id} is finished at {gateway}, and its code never came to its end"


def cancels_ignored(seen: Evidence) -> Iterator[str]:
    """A job whose cancel was acknowledged while it was not over did not go on to be tried again."""
    for job_id, status in seen.cancels.items():
        ends = {jobs.get(job_id) for jobs in seen.answers.values()}
        if status in FINAL and ends - {status}:
            yield f"job {job_id} was {status} when its cancel was answered, and is {ends} now"
        elif not ends <= FINAL:
            yield f"job {job_id} was canceled as {status}, and is {ends} now"


def feed_gaps(seen: Evidence) -> Iterator[str]:
    """Each reader hears the whole life of every job, in order, and all hear the same."""
    told = {reader: _lives(feed) for reader, feed in seen.feeds.items()}
    statuses = next(iter(seen.answers.values()), {})
    for reader, lives in told.items():
        for job_id in sorted(statuses.keys() | lives.keys()):
            life = lives.get(job_id, [])
            problem = _problem(life, statuses.get(job_id), seen.runs.get(job_id, []))
            if problem:
                yield f"{reader}, job {job_id}: {problem}; heard {' '.join(one.event for one in life) or 'nothing'}"
    for (one, heard), (other, also) in pairwise(told.items()):
        for job_id in sorted(heard.keys() | also.keys()):
            if set(heard.get(job_id, ())) != set(also.get(job_id, ())):
                yield f"{one} and {other} did not hear the same of job {job_id}"


def _lives(feed: list[Told]) -> dict[str, list[Told]]:
    """Without repeats, which are counted by their own rule."""
    lives: dict[str, dict[Told, None]] = {}
    for told in feed:
        lives.setdefault(told.job_id, {})[told] = None
    return {job_id: list(life) for job_id, life in lives.items()}


def _problem(life: list[Told], status: str | None, attempts: list[Attempt]) -> str | None:
    letters = "".join(LETTERS[one.event] for one in life)
    if not LIFE.fullmatch(letters):
        return "that is no whole life"
    if life[-1].event != status:
        return f"the gateways say {status}"
    if any(one.time > other.time for one, other in pairwise(life)):
        return "time goes backwards"
    if letters.count("s") < len({one.attempt for one in attempts}):
        return f"it ran {len(attempts)} times"
    return None


def feed_repeats(seen: Evidence) -> Iterator[str]:
    for reader, feed in seen.feeds.items():
        for told, count in Counter(feed).items():
            if count > 1:
                yield f"{reader} heard {told.event} of job {told.job_id} {count} times"


def told_without_fact(seen: Evidence) -> Iterator[str]:
    """Nothing is told that is not in the log, at that very time."""
    for reader, feed in seen.feeds.items():
        for told in feed:
            if not any((kind, told.time) in seen.facts.get(told.job_id, ()) for kind in SOURCES[told.event]):
                yield f"{reader} heard {told.event} of job {told.job_id} at {told.time}, which the log has not"


def put_aside(seen: Evidence) -> Iterator[str]:
    """Every request of the drill can be done, cancels too: none becomes a dead letter."""
    yield from seen.put_aside


def orphans(seen: Evidence) -> Iterator[str]:
    yield from seen.orphans


def unverified(seen: Evidence) -> Iterator[str]:
    """`python -m mist_tools.verify` found the log and the gateways' answers in order."""
    yield from seen.unverified


RULES = {
    "acknowledged requests lost": lost,
    "jobs stuck": stuck,
    "jobs started twice": started_twice,
    "attempts overlapping": overlapping,
    "attempts running after their job's end": running_after_end,
    "jobs finished without having run": finished_without_running,
    "acknowledged cancels ignored": cancels_ignored,
    "requests put aside as dead letters": put_aside,
    "feed: gaps": feed_gaps,
    "feed: repeats": feed_repeats,
    "feed: events that are not in the log": told_without_fact,
    "jobs on which gateways disagree": disagreeing,
    "orphan processes": orphans,
    "breaches found by python -m mist_tools.verify": unverified,
}
