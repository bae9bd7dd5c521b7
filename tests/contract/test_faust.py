"""Internals of Faust that the gateway's tables rely on: each test fails when a new release changes one."""

import inspect
import re
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.tables import TableManager
from faust.tables.recovery import Recovery
from faust.transport.consumer import Consumer as AnyConsumer
from faust.transport.drivers.aiokafka import Consumer, Transport
from hypothesis import given
from hypothesis import strategies as st

from mist_eventlog import KafkaAddress
from mist_gateway.projection.entry import Position
from mist_gateway.projection.faust_tables import (
    BatchConsumer,
    LogTable,
    Tables,
    TablesAtHand,
    add_tables,
    new_app,
    recovery,
)
from mist_gateway.projection.state import Projection

TOPIC = "mist.job-events"


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return add_tables(
        new_app(KafkaAddress(bootstrap="127.0.0.1:1"), tmp_path), Projection(lambda value: value, lost_after_ms=25_000)
    )


def new_table(tmp_path: Path, folded: list[int]) -> LogTable:
    def fold(value: bytes, place: Position) -> None:
        if value == b"bad":
            raise ValueError("bad")
        folded.append(place.offset)

    return LogTable(new_app(KafkaAddress(bootstrap="127.0.0.1:1"), tmp_path), topic=TOPIC, partitions=1, fold=fold)


class Event:
    """A record as Faust hands it to a table."""

    def __init__(self, offset: int, value: bytes = b"") -> None:
        self.message = self
        self.tp = faust.types.TP(TOPIC, 0)
        self.offset = offset
        self.value = value
        self.timestamp: float = 1.0


async def test_recovery_begins_after_what_the_table_holds(tables: Tables) -> None:
    place = tables.jobs.partition(0)
    tables.jobs.start_at({0: 42})
    recovery(tables.app).add_active(tables.jobs, place)
    assert isinstance(recovery(tables.app), Recovery)
    assert recovery(tables.app).active_offsets[place] == 41


def test_recovery_passes_over_what_it_has_seen_and_tails_a_table_with_a_buffer_of_one() -> None:
    source = inspect.getsource(inspect.getmodule(Recovery))  # type: ignore[arg-type]
    assert "if seen_offset is None or offset > seen_offset:" in source
    assert "if self.tp_to_table[tp].recovery_buffer_size == 1" in source


async def test_the_tables_ask_for_a_buffer_of_one_and_for_no_account_of_offsets(tables: Tables) -> None:
    for table in tables.all:
        assert table.recovery_buffer_size == 1
        changelog: Any = table.changelog_topic
        assert (changelog.acks, changelog.allow_empty) == (False, True)
        assert changelog.get_topic_name() == table.topic


def test_the_consumer_can_be_set_back() -> None:
    assert list(inspect.signature(AnyConsumer.seek_wait).parameters) == ["self", "partitions"]


def test_records_come_through_getmany_in_batches() -> None:
    ours, theirs = inspect.signature(BatchConsumer._getmany), inspect.signature(Consumer._getmany)
    assert list(ours.parameters) == list(theirs.parameters)
    assert "await self._getmany(" in inspect.getsource(AnyConsumer._wait_next_records)
    assert Transport.Consumer is Consumer


async def test_the_app_uses_our_consumer(tables: Tables) -> None:
    assert issubclass(tables.app.transport.Consumer, BatchConsumer)
    assert set(tables.app.transport.Consumer.tables) == {table.topic for table in tables.all}


async def test_the_app_starts_its_tables_without_a_second_of_sleep(tables: Tables) -> None:
    """The sleep, and nothing else, is left out of Faust's own start."""
    assert isinstance(tables.app.tables, TablesAtHand)
    source = inspect.getsource(TableManager.on_start)
    steps = re.findall(r"await (.*)", source)
    assert steps == ["self.sleep(1.0)", "self._update_channels()", "self.recovery.start()"]


@pytest.mark.parametrize("attribute", ["crashed", "should_stop", "crash_reason", "rebalancing"])
async def test_the_app_says_how_it_is(tables: Tables, attribute: str) -> None:
    assert hasattr(tables.app, attribute)
    assert hasattr(tables.app.tables, "actives_ready")


@given(st.data())
async def test_whatever_is_delivered_again_is_folded_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folded: list[int] = []
    table = new_table(tmp_path_factory.mktemp("faust"), folded)
    last = 0
    for _ in range(data.draw(st.integers(1, 6))):
        first = data.draw(st.integers(0, last))
        last = data.draw(st.integers(first, first + 5))
        how: Any = data.draw(
            st.sampled_from([table.apply_changelog_batch, lambda e: table.apply_batch(table.partition(0), e)])
        )
        how([Event(offset) for offset in range(first, last)])
        last = max(last, len(folded))
    assert folded == list(range(len(folded)))
    assert table.offsets() == [len(folded) - 1]


async def test_a_batch_with_a_gap_is_left_to_faust_which_fetches_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded: list[int] = []
    table = new_table(tmp_path, folded)
    table.apply_batch(table.partition(0), [Event(0), Event(1), Event(3)])
    assert folded == [0, 1]
    refetched: list[int] = []
    monkeypatch.setattr(table, "_refetch_from", lambda _, last: refetched.append(last))
    table.apply_changelog_batch([Event(3), Event(4)])  # type: ignore[list-item]
    assert (folded, refetched) == ([0, 1], [1, 1])


async def test_a_record_that_cannot_be_folded_is_passed_over(tmp_path: Path) -> None:
    folded: list[int] = []
    table = new_table(tmp_path, folded)
    table.apply_batch(table.partition(0), [Event(0), Event(1, b"bad"), Event(2)])
    assert (folded, table.offsets(), table.poison) == ([0, 2], [2], 1)


async def test_nobody_writes_to_a_table_but_the_fold(tables: Tables) -> None:
    with pytest.raises(TypeError, match="append to the log instead"):
        tables.jobs["job"] = 1
    with pytest.raises(TypeError, match="append to the log instead"):
        tables.jobs.clear()
