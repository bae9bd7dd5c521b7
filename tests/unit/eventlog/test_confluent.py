"""Schemas of a registry come without blocking the loop; only a schema that does not exist makes a record poison."""

import asyncio
import json
import time
from io import BytesIO

import httpx
import pytest
from fastavro import parse_schema, schemaless_writer
from structlog.testing import capture_logs

from mist_domain.facts.records import RECORDS
from mist_domain.facts.requests import StartRequest
from mist_eventlog import Codec, ConfluentSchemas, PoisonError, SchemaPendingError
from mist_eventlog.schema import confluent
from support.schema_registry import schema_registry
from support.stack import free_port

SCHEMA = {
    "type": "record",
    "name": "StartRequest",
    "fields": [{"name": name, "type": "string"} for name in ("endpoint", "source")],
}
REQUEST = StartRequest(endpoint="e", source="s")


def register(registry: str, schema: object) -> int:
    """The id that the registry gives the schema."""
    answer = httpx.post(f"{registry}/subjects/s/versions", json={"schema": json.dumps(schema)})
    return int(answer.json()["id"])


def framed(number: int) -> bytes:
    body = BytesIO()
    schemaless_writer(body, parse_schema(SCHEMA), {"endpoint": "e", "source": "s"})
    return b"\x00" + number.to_bytes(4, "big") + body.getvalue()


async def poison_of(codec: Codec, value: bytes) -> str:
    with pytest.raises(SchemaPendingError):
        codec.decode_foreign(value)
    await codec.schema_known(value)
    with pytest.raises(PoisonError) as poison:
        codec.decode_foreign(value)
    return poison.value.reason


async def test_a_schema_is_fetched_beside_the_loop_and_then_known() -> None:
    with schema_registry() as registry:
        codec, value = Codec(RECORDS, confluent=ConfluentSchemas(registry)), framed(register(registry, SCHEMA))
        with pytest.raises(SchemaPendingError):
            codec.decode_foreign(value)
        await codec.schema_known(value)
    assert codec.decode_foreign(value) == REQUEST  # without the registry from now on


async def test_a_schema_that_does_not_exist_and_one_that_is_no_avro_are_poison() -> None:
    with schema_registry() as registry:
        codec = Codec(RECORDS, confluent=ConfluentSchemas(registry))
        assert (await poison_of(codec, framed(999_999))).startswith("the schema registry has no schema 999999")
        number = register(registry, {"type": "nonsense"})
        assert (await poison_of(codec, framed(number))).startswith(f"the schema registry's schema {number} is no Avro")


async def test_a_frame_cut_short_is_poison_without_a_question() -> None:
    codec = Codec(RECORDS, confluent=ConfluentSchemas("http://127.0.0.1:1"))
    with pytest.raises(PoisonError, match="truncated: 3 bytes"):
        codec.decode_foreign(b"\x00\x00\x00")


async def test_a_registry_that_is_away_refuses_no_record_and_is_asked_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(confluent, "FIRST_PAUSE", 0.05)
    with schema_registry() as registry:
        value = framed(register(registry, SCHEMA))
    port = free_port()
    codec = Codec(RECORDS, confluent=ConfluentSchemas(f"http://127.0.0.1:{port}"))
    with capture_logs() as logs:
        known = asyncio.create_task(codec.schema_known(value))
        while len([line for line in logs if line["event"] == "schema-registry-away"]) < 2:
            with pytest.raises(SchemaPendingError):
                codec.decode_foreign(value)
            await asyncio.sleep(0.01)
    with schema_registry(port):
        async with asyncio.timeout(30):
            await known
    assert codec.decode_foreign(value) == REQUEST


async def test_a_registry_that_does_not_answer_holds_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confluent, "_ANSWER_SECONDS", 0.3)
    silent = await asyncio.start_server(lambda *_: asyncio.sleep(60), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    codec = Codec(RECORDS, confluent=ConfluentSchemas(url))
    known = asyncio.create_task(codec.schema_known(framed(1)))
    longest, before = 0.0, time.monotonic()
    for _ in range(60):
        await asyncio.sleep(0.01)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert longest < 0.25
    assert not known.done()
    known.cancel()
    silent.close()
