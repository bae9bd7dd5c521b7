"""A gateway that no longer follows the log ends: a topic made anew, a table that stands still, a Faust that crashed."""

from pathlib import Path
from typing import cast

import pytest
from faust import App

from mist_eventlog import KafkaAddress, LogResetError, Reader
from mist_eventlog.topics.names import REGISTRY
from mist_gateway.projection.faust_tables import LogTable, Tables, add_tables, new_app
from mist_gateway.projection.lag import Lag
from mist_gateway.service import CrashedError, Gateway
from mist_gateway.settings import GatewaySettings


class BusyLog:
    """Says where the topic ends, while its next record is appended and read."""

    def __init__(self, table: LogTable, end: int) -> None:
        self._table = table
        self._end = end

    async def ends(self, _topic: str) -> dict[int, int]:
        self._table.apply_one(self._table.place(0), self._table.offsets()[0] + 1, b"", 0)
        return {0: self._end}


def gateway_that_has_read(tmp_path: Path, offset: int, end: int) -> tuple[Gateway, LogTable]:
    gateway = Gateway(GatewaySettings(kafka="127.0.0.1:1", state=tmp_path))
    tables = add_tables(new_app(KafkaAddress(bootstrap="127.0.0.1:1"), tmp_path), gateway.projection)
    table = tables.registry
    assert table.topic == REGISTRY
    table.begin_at({0: offset + 1})
    gateway.reader = cast("Reader", BusyLog(table, end))
    return gateway, table


async def test_a_record_read_while_the_ends_are_asked_for_is_no_reset(tmp_path: Path) -> None:
    gateway, table = gateway_that_has_read(tmp_path, 4, 5)
    await gateway._check_table(table, Lag(table.topic))
    assert table.offsets() == [5]


async def test_an_end_below_what_was_read_is_one(tmp_path: Path) -> None:
    gateway, table = gateway_that_has_read(tmp_path, 4, 4)
    with pytest.raises(LogResetError, match="registry/0 ends at 4"):
        await gateway._check_table(table, Lag(table.topic))


class StillLog:
    """Says where the topic ends; nothing of it is read any more."""

    def __init__(self, end: int) -> None:
        self.end = end

    async def ends(self, _topic: str) -> dict[int, int]:
        return {0: self.end}


async def test_a_table_that_stands_still_while_its_log_goes_on_ends_the_gateway(tmp_path: Path) -> None:
    gateway, table = gateway_that_has_read(tmp_path, 4, 5)
    gateway.reader = cast("Reader", StillLog(8))
    lag = Lag(table.topic)
    await gateway._check_table(table, lag)
    with pytest.raises(CrashedError, match="though 3 records wait"):
        await gateway._check_table(table, lag)
    assert gateway.not_ready() == "Mist stopped following Kafka and is about to restart."


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
    assert (lag.frozen, lag.behind) == (False, 0)


async def test_a_faust_that_crashed_ends_the_gateway(tmp_path: Path) -> None:
    gateway, table = gateway_that_has_read(tmp_path, 4, 5)
    gateway._tables = Tables(cast("App", table.app), table, table, table)
    gateway.reason = None
    gateway._refuse_crash()
    await table.app.crash(RuntimeError("the fetcher died"))
    with pytest.raises(CrashedError, match="the fetcher died"):
        gateway._refuse_crash()
    assert gateway.not_ready() == "Mist stopped following Kafka and is about to restart."
