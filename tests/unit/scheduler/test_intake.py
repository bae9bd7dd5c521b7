"""Offsets to commit: never past a request whose effect the log does not show."""

from mist_domain.facts.requests import Origin
from mist_eventlog import Record
from mist_scheduler.intake import Intake, Pending
from mist_scheduler.step import TickClock
from support.facts import start


def pending(offset: int, partition: int = 0) -> Pending[Record]:
    record = Record("mist.requests", partition, offset, 0, None, b"")
    return Pending(
        start(str(offset)), Origin(topic="mist.requests", partition=partition, offset=offset, time=0), record
    )


def test_nothing_is_committed_past_an_open_request() -> None:
    intake = Intake[Record]()
    first, second = pending(0), pending(1)
    intake.add(first)
    intake.add(second)
    intake.settle(second.origin)
    assert intake.committable() == {}
    intake.settle(first.origin)
    assert intake.committable() == {0: 2}
    assert intake.committable() == {}


def test_partitions_are_committed_apart() -> None:
    intake = Intake[Record]()
    for one in (pending(4, partition=1), pending(7, partition=2)):
        intake.add(one)
    intake.settle(pending(7, partition=2).origin)
    assert intake.committable() == {1: 4, 2: 8}


def test_a_parked_request_comes_back_when_its_job_settles() -> None:
    intake = Intake[Record]()
    one, other = pending(0), pending(1)
    intake.add(one)
    intake.add(other)
    assert intake.drain() == [one, other]
    intake.park(one, "job")
    intake.park(other, None)
    intake.wake(["other-job"])
    assert intake.drain() == []
    intake.wake(["job"])
    assert intake.drain() == [one]
    intake.wake([None])
    assert intake.drain() == [other]


def test_a_request_read_once_more_after_its_end_is_settled_once_more() -> None:
    intake = Intake[Record]()
    intake.add(pending(0))
    intake.add(pending(1))
    intake.settle(pending(0).origin)
    intake.settle(pending(1).origin)
    assert intake.committable() == {0: 2}
    intake.add(pending(0))
    assert intake.committable() == {}
    intake.settle(pending(0).origin)
    assert len(intake) == 0


def test_one_tick_is_outstanding_and_the_next_waits_a_second_after_it_was_read_back() -> None:
    clock = TickClock(pause=1.0)
    assert clock.is_due(now=5.0)
    assert not clock.is_due(now=50.0)
    clock.read_back(now=60.0)
    assert not clock.is_due(now=60.9)
    assert clock.wait(now=60.5, limit=9.0) == 0.5
    assert clock.is_due(now=61.0)
