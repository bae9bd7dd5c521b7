"""A gateway that no longer follows the log ends: a topic made anew, a table that stands still, a Faust that crashed."""

from pathlib import Path
from typing import cast

import pytest

from mist_domain.scheduling.host_view import LOST_TICKS
from mist_eventlog import KafkaAddress, LogResetError, Reader
from mist_eventlog.topics.names import REGISTRY
from mist_gateway.projection.faust_tables import LogTable
from mist_gateway.projection.follower import CrashedError, Follower, Lag
from mist_gateway.projection.state import Projection
from mist_gateway.service import Gateway
from mist_gateway.settings import GatewaySettings

NOWHERE = KafkaAddress(bootstrap="127.0.0.1:1")


class BusyLog:
    """A log whose next record is appended and read while its end is asked for."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.table: LogTable | None = None

    async def ends(self, _topic: str) -> dict[int, int]:
        assert self.table is not None
        self.table.apply(self.table.partition(0), self.table.offsets()[0] + 1, b"", 0)
        return {0: self.end}


class StillLog:
    """A log that goes on, and of which nothing is read any more."""

    def __init__(self, end: int) -> None:
        self.end = end
        self.table: LogTable | None = None

    async def ends(self, _topic: str) -> dict[int, int]:
        return {0: self.end}


def follower_that_has_read(folder: Path, offset: int, log: BusyLog | StillLog) -> tuple[Follower, LogTable]:
    projection = Projection(lambda value: value, lost_after_ms=25_000)
    follower = Follower(NOWHERE, cast("Reader", log), projection, folder=folder, start_timeout=1)
    table = log.table = follower.tables.registry
    assert table.topic == REGISTRY
    table.start_at({0: offset + 1})
    return follower, table


async def test_a_record_read_while_the_ends_are_asked_for_is_no_reset(tmp_path: Path) -> None:
    follower, table = follower_that_has_read(tmp_path, 4, BusyLog(5))
    await follower.check_table(table)
    assert table.offsets() == [5]


async def test_an_end_below_what_was_read_is_one(tmp_path: Path) -> None:
    follower, table = follower_that_has_read(tmp_path, 4, BusyLog(4))
    with pytest.raises(LogResetError, match="registry/0 ends at 4"):
        await follower.check_table(table)


async def test_a_table_that_stands_still_while_its_log_goes_on_ends_the_gateway(tmp_path: Path) -> None:
    follower, table = follower_that_has_read(tmp_path, 4, StillLog(8))
    await follower.check_table(table)
    with pytest.raises(CrashedError, match="though 3 records wait"):
        await follower.check_table(table)
    assert follower.crashed


def test_a_table_that_reads_but_is_behind_is_not_frozen() -> None:
    lag = Lag("t")
    lag.check([4], {0: 8})
    assert lag.sentence is None
    lag.check([5], {0: 20})
    assert not lag.frozen
    assert f"{lag.sentence}" == "Mist is 2 records of t behind."
    lag.check([19], {0: 20})
    assert lag.sentence is None


def test_without_an_answer_of_kafka_nothing_is_judged() -> None:
    lag = Lag("t")
    lag.check([4], {})
    lag.check([4], {0: 8})
    assert (lag.frozen, lag.records) == (False, 0)


async def test_a_faust_that_crashed_ends_the_gateway(tmp_path: Path) -> None:
    gateway = Gateway(GatewaySettings(kafka="127.0.0.1:1", state=tmp_path))
    gateway.follower, table = follower_that_has_read(tmp_path, 4, StillLog(5))
    gateway.follower.check_faust()
    await table.app.crash(RuntimeError("the fetcher died"))
    with pytest.raises(CrashedError, match="the fetcher died"):
        gateway.follower.check_faust()
    assert gateway.not_ready() == "Mist stopped following Kafka and is about to restart."


def test_a_host_is_lost_to_the_gateway_after_as_many_ticks_as_to_the_scheduler() -> None:
    assert GatewaySettings(tick_seconds=2).host_lost_after_ms == LOST_TICKS * 2_000
