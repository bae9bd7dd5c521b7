"""A topic made anew ends below what was read; records read while the ends are asked for are no sign of it."""

from pathlib import Path
from typing import cast

import pytest

from mist_eventlog import LogReset, Reader
from mist_gateway.faust_app import add_tables, new_app
from mist_gateway.gateway import Gateway
from mist_gateway.settings import GatewaySettings
from mist_gateway.tables import LogTable
from mist_gateway.topics import REGISTRY


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
    tables = add_tables(new_app("127.0.0.1:1", tmp_path), gateway.state)
    table = tables.registry
    assert table.topic == REGISTRY
    table.begin_at({0: offset + 1})
    gateway.reader = cast("Reader", BusyLog(table, end))
    return gateway, table


async def test_a_record_read_while_the_ends_are_asked_for_is_no_reset(tmp_path: Path) -> None:
    gateway, table = gateway_that_has_read(tmp_path, 4, 5)
    await gateway._refuse_reset(table)
    assert table.offsets() == [5]


async def test_an_end_below_what_was_read_is_one(tmp_path: Path) -> None:
    gateway, table = gateway_that_has_read(tmp_path, 4, 4)
    with pytest.raises(LogReset, match="registry/0 ends at 4"):
        await gateway._refuse_reset(table)
