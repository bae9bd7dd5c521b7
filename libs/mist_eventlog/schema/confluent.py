"""Schemas of a Confluent registry, for records framed as its serializers do: 00, the schema's id, the body.

Nothing here blocks the event loop, and a registry that is away is an outage: no record is refused for it.
"""

import asyncio
import json
import time
from collections import OrderedDict
from typing import Any

import structlog
from fastavro import parse_schema
from fastavro.schema import SchemaParseException

from mist_eventlog.errors import PoisonError, SchemaPendingError
from mist_eventlog.schema.files import as_python

HEAD_BYTES = 5
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
_ANSWER_SECONDS = 3
_REFUSAL_SECONDS = 10.0
_REFUSALS_KEPT = 1_000
_NOT_FOUND = 404

log = structlog.get_logger("mist.eventlog")


class ConfluentSchemas:
    """Schemas by id, each asked for once. One that the registry does not have is asked for again after ten seconds."""

    def __init__(self, url: str, auth: str | None = None) -> None:
        """`auth` is `user:password`."""
        from confluent_kafka.schema_registry import AsyncSchemaRegistryClient

        settings: dict[str, Any] = {"url": url, "timeout": _ANSWER_SECONDS, "max.retries": 0}
        self._client = AsyncSchemaRegistryClient(settings | ({"basic.auth.user.info": auth} if auth else {}))
        self._known: dict[int, Any] = {}
        self._refusals: OrderedDict[int, tuple[float, str]] = OrderedDict()
        self._attempts: dict[int, asyncio.Task[None]] = {}

    def of(self, value: bytes) -> Any:
        """The schema that a record was written with.

        Raises `PoisonError` for one that the registry does not have. Raises `SchemaPendingError` for one that is not
        fetched yet, and begins to fetch it: a running event loop is needed.
        """
        number = _number_of(value)
        if number in self._known:
            return self._known[number]
        reason = self._refusal(number)
        if reason is not None:
            raise PoisonError(reason)
        self._attempt(number)
        raise SchemaPendingError(number)

    async def wait_for(self, value: bytes) -> None:
        """Wait until the registry has answered for the record's schema: for as long as it is away, without a limit."""
        number, pause = _number_of(value), FIRST_PAUSE
        while number not in self._known and self._refusal(number) is None:
            await asyncio.wait([self._attempt(number)])
            if number not in self._known and self._refusal(number) is None:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _attempt(self, number: int) -> "asyncio.Task[None]":
        """The attempt under way for this schema, or a new one; whoever asks for the same schema shares it."""
        if number not in self._attempts:
            task = self._attempts[number] = asyncio.create_task(self._ask(number))
            task.add_done_callback(lambda _: self._attempts.pop(number))
        return self._attempts[number]

    async def _ask(self, number: int) -> None:
        from confluent_kafka.schema_registry import SchemaRegistryError

        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                schema = await self._client.get_schema(number)
        except Exception as error:  # noqa: BLE001 - where a task ends: any error but a 404 is the registry's outage
            if isinstance(error, SchemaRegistryError) and error.http_status_code == _NOT_FOUND:
                self._refuse(number, f"the schema registry has no schema {number}: {error}")
            else:
                log.warning("schema-registry-away", schema=number, reason=str(error) or repr(error))
        else:
            self._learn(number, schema.schema_str)

    def _learn(self, number: int, text: str | None) -> None:
        try:
            self._known[number] = parse_schema(as_python(json.loads(text or "null")))
        except (SchemaParseException, ValueError, TypeError, LookupError, RecursionError) as error:
            self._refuse(number, f"the schema registry's schema {number} is no Avro: {error}")

    def _refuse(self, number: int, reason: str) -> None:
        self._refusals[number] = time.monotonic() + _REFUSAL_SECONDS, reason
        if len(self._refusals) > _REFUSALS_KEPT:
            self._refusals.popitem(last=False)

    def _refusal(self, number: int) -> str | None:
        """The reason why there is no such schema, as long as it holds."""
        until, reason = self._refusals.get(number, (0.0, ""))
        return reason if time.monotonic() < until else None


def _number_of(value: bytes) -> int:
    """The schema's id in the frame. Raises `PoisonError` for a frame that is cut short."""
    if len(value) < HEAD_BYTES:
        raise PoisonError(f"truncated: {len(value)} bytes, where Confluent framing alone has {HEAD_BYTES}")
    return int.from_bytes(value[1:HEAD_BYTES], "big")
