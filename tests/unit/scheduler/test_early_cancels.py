"""Cancels read before the start of their job: asked again until all that stood before them was read."""

from mist_domain.facts.requests import CancelRequest, Origin
from mist_eventlog import Record
from mist_scheduler.intake import EarlyCancels, Pending
from support.facts import start

RECORD = Record("mist.requests", 0, 0, 0, None, b"")


def cancel(offset: int) -> Pending[Record]:
    origin = Origin(topic="mist.requests", partition=0, offset=offset, time=0)
    return Pending(CancelRequest(job_id="j", requested_by="user", reason=""), origin, RECORD)


def test_a_cancel_is_asked_again_until_all_before_it_is_read() -> None:
    early, one = EarlyCancels[Record](), cancel(0)
    assert early.keep(one, {})
    early.bound(early.unbounded(), {0: 1, 1: 5})
    assert early.pop_all() == [one]
    assert early.keep(one, {0: 1, 1: 4})
    assert early.unbounded() == []
    assert early.pop_all() == [one]
    assert not early.keep(one, {0: 1, 1: 5})
    assert early.pop_all() == []


def test_while_the_ends_are_not_known_it_is_kept() -> None:
    early, one = EarlyCancels[Record](), cancel(0)
    for _ in range(3):
        assert early.keep(one, {0: 9})
        assert early.unbounded() == [one.origin]
        assert early.pop_all() == [one]


def test_ends_that_come_late_are_those_of_the_cancels_they_were_asked_for() -> None:
    early, old, new = EarlyCancels[Record](), cancel(0), cancel(1)
    early.keep(old, {})
    asked = early.unbounded()
    early.pop_all()
    early.keep(new, {})
    early.bound(asked, {0: 1})
    assert early.unbounded() == [new.origin]


def test_a_start_that_is_refused_is_not_asked_again() -> None:
    origin = Origin(topic="mist.requests", partition=0, offset=0, time=0)
    assert not EarlyCancels[Record]().keep(Pending(start("r"), origin, RECORD), {})
