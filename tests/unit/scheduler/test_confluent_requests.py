"""A request whose schema is not fetched yet is neither committed nor refused, and holds up no other."""

import asyncio
from typing import Any

import pytest

from mist_domain.facts.records import RECORDS
from mist_domain.facts.requests import StartRequest
from mist_eventlog import Codec, Record, SchemaPendingError
from mist_scheduler.service import Scheduler
from mist_scheduler.settings import SchedulerSettings

FRAMED = Record("mist.requests", 0, 4, 0, None, b"\x00\x00\x00\x00\x07")


class SlowRegistryCodec(Codec):
    """Knows no schema before `answered` is set."""

    def __init__(self) -> None:
        super().__init__(RECORDS)
        self.answered = asyncio.Event()

    def decode_foreign(self, value: bytes) -> Any:
        if value[:1] != b"\x00":
            return super().decode_foreign(value)
        if not self.answered.is_set():
            raise SchemaPendingError(7)
        return StartRequest(endpoint="framed", source="s")

    async def schema_known(self, value: bytes) -> None:
        await self.answered.wait()


class Nothing:
    """An appender and a tail that this test does not use."""

    positions: dict[Any, int] = {}  # noqa: RUF012 - never written

    async def next_batch(self, timeout: float) -> list[Record]:
        await asyncio.sleep(timeout)
        return []


async def test_a_request_waits_for_its_schema_and_the_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = SlowRegistryCodec()
    nothing: Any = Nothing()
    scheduler = Scheduler("s", SchedulerSettings(), codec, nothing, nothing)
    monkeypatch.setattr(scheduler._requests, "next_batch", nothing.next_batch)
    ready = scheduler.intake
    value = codec.encode(StartRequest(endpoint="plain", source="s"))
    scheduler._apply("requests", [FRAMED, FRAMED._replace(offset=5, value=value)])
    assert [pending.request.endpoint for pending in ready.drain() if isinstance(pending.request, StartRequest)] == [
        "plain"
    ]
    assert ready.committable() == {0: 4}
    loop = asyncio.create_task(scheduler._turn_for_ever())
    await asyncio.sleep(0.05)
    codec.answered.set()
    await asyncio.wait([read for name, read in scheduler._reads.items() if name == "0/4"], timeout=5)
    await asyncio.sleep(0.05)
    found = ready.drain()
    assert [pending.record for pending in found] == [FRAMED]
    assert len(ready) == 2
    loop.cancel()
