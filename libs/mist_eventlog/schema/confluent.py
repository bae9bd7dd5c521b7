"""Schemas of a Confluent registry, for records framed as its serializers do: 00, the schema's id, the body."""

import json
import time
from typing import Any

from fastavro import parse_schema
from fastavro.schema import SchemaParseException

from mist_eventlog.errors import PoisonError
from mist_eventlog.schema.files import as_python

HEAD = 5
_ASK_SECONDS = 3
_AGAIN_SECONDS = 10.0


class ConfluentSchemas:
    """`auth` is `user:password`. A schema is asked for once; one that could not be had, again after ten seconds."""

    def __init__(self, url: str, auth: str | None = None) -> None:
        from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: PLC0415 (an extra of its own)

        settings: dict[str, Any] = {"url": url, "timeout": _ASK_SECONDS, "max.retries": 0}
        self._client = SchemaRegistryClient(settings | ({"basic.auth.user.info": auth} if auth else {}))
        self._known: dict[int, Any] = {}
        self._failed: dict[int, tuple[float, str]] = {}

    def of(self, value: bytes) -> Any:
        """The schema that the record was written with. Raises `PoisonError`."""
        if len(value) < HEAD:
            raise PoisonError(f"truncated: {len(value)} bytes, where Confluent framing alone has {HEAD}")
        number = int.from_bytes(value[1:HEAD], "big")
        if number not in self._known:
            self._known[number] = self._ask(number)
        return self._known[number]

    def _ask(self, number: int) -> Any:
        at, reason = self._failed.get(number, (0.0, ""))
        if reason and time.monotonic() < at + _AGAIN_SECONDS:
            raise PoisonError(reason)
        try:
            schema = self._client.get_schema(number)
            return parse_schema(as_python(json.loads(schema.schema_str or "null")))
        except SchemaParseException as error:
            reason = f"the schema registry's schema {number} is no Avro: {error}"
        except Exception as error:  # noqa: BLE001 (whatever the client meets, the record is kept with the reason)
            reason = f"the schema registry does not give schema {number}: {error}"
        self._failed[number] = time.monotonic(), reason
        raise PoisonError(reason)
