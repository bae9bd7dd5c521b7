"""A member acts once it owns the topic and has read what its predecessor appended, and not a turn longer than it owns."""

import asyncio

from mist_eventlog.leadership import Leadership
from mist_eventlog.record import Partition

LOG: Partition = ("log", 0)
ALL = frozenset({0})
NONE: frozenset[int] = frozenset()


class FakeTail:
    """Offsets set by hand; `asked` is set while the ends are asked for, `answer` lets them be given."""

    def __init__(self, end: int) -> None:
        self.positions = {LOG: 0}
        self.end = end
        self.asked = asyncio.Event()
        self.answer = asyncio.Event()
        self.answer.set()

    async def present_ends(self) -> dict[Partition, int]:
        self.asked.set()
        await self.answer.wait()
        return {LOG: self.end}


def leadership(tail: FakeTail, changes: list[bool] | None = None) -> Leadership:
    counted = [] if changes is None else changes
    return Leadership(tail, on_change=lambda: counted.append(True))  # type: ignore[arg-type]


async def test_a_member_that_does_not_own_the_topic_stays_a_standby() -> None:
    led = leadership(FakeTail(0))
    assert not await led.becomes_active()
    assert not led.active


async def test_a_new_owner_becomes_active_once_it_has_read_up_to_the_ends_it_found() -> None:
    tail = FakeTail(5)
    led = leadership(tail)
    led.ownership_changed(ALL)
    assert not await led.becomes_active()
    tail.end, tail.positions = 9, {LOG: 5}
    assert await led.becomes_active()
    assert led.active
    assert not await led.becomes_active()  # only the turn in which it happens


async def test_a_change_of_ownership_makes_a_standby_and_is_reported() -> None:
    changes: list[bool] = []
    led = leadership(FakeTail(0), changes)
    led.ownership_changed(ALL)
    assert await led.becomes_active()
    led.ownership_changed(NONE)
    assert not led.active
    assert not await led.becomes_active()
    assert len(changes) == 2


async def test_ownership_lost_while_the_ends_are_asked_for_leads_nobody() -> None:
    tail = FakeTail(0)
    tail.answer.clear()
    led = leadership(tail)
    led.ownership_changed(ALL)
    turn = asyncio.create_task(led.becomes_active())
    await tail.asked.wait()
    led.ownership_changed(NONE)
    tail.answer.set()
    assert not await turn
    assert not led.active
    assert not await led.becomes_active()
