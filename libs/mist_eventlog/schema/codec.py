"""Records to bytes and back: Avro, single-object encoding. Knows no jobs; the record classes are passed in."""

import dataclasses
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from fastavro import schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError

from mist_eventlog.errors import PoisonError
from mist_eventlog.schema.confluent import HEAD_BYTES as CONFLUENT_HEAD
from mist_eventlog.schema.confluent import ConfluentSchemas
from mist_eventlog.schema.conversion import Convert, from_dict, to_dict
from mist_eventlog.schema.files import MARKER, Version, schemas_folder, versions_of

_HEAD = 10
_CONFLUENT = b"\x00"
_WRONG = (ValueError, TypeError, LookupError, ArithmeticError, MemoryError, struct.error, SchemaResolutionError)


@dataclass(frozen=True, slots=True)
class _Writing:
    head: bytes
    schema: Any
    convert: Convert


@dataclass(frozen=True, slots=True)
class _Reading:
    """`writer` is the schema of the bytes; `reader` the newest one, `None` when they are the same."""

    name: str
    writer: Any
    reader: Any
    convert: Convert


class Codec:
    """`encode` writes the newest schema of a record's class; `decode` reads every version that was ever written."""

    def __init__(
        self, records: Iterable[type], schemas: Path | None = None, confluent: ConfluentSchemas | None = None
    ) -> None:
        """`schemas`: the folder of the `.avsc` files. `confluent`: schemas of records in Confluent's framing."""
        folder = schemas or schemas_folder()
        self._writings: dict[type, _Writing] = {}
        self._readings: dict[bytes, _Reading] = {}
        self._named: dict[str, _Reading] = {}
        self._confluent = confluent
        for record in records:
            self._add(record, versions_of(record.__name__, folder))

    def encode(self, record: object) -> bytes:
        """The bytes of a record whose class this codec was given."""
        writing = self._writings[type(record)]
        body = BytesIO()
        schemaless_writer(body, writing.schema, writing.convert(record))
        return writing.head + body.getvalue()

    def decode(self, value: bytes) -> Any:
        """The record that the bytes hold, single-object encoded. Raises `PoisonError` with the reason."""
        reading = self._readings.get(value[:_HEAD])
        if reading is None:
            raise PoisonError(_unreadable(value))
        return _read(value, _HEAD, reading)

    def decode_foreign(self, value: bytes) -> Any:
        """Like `decode`, and Confluent's framing too: for topics that others than Mist's services write.

        Raises `SchemaPendingError` while the schema of a framed record is not fetched yet.
        """
        if self._confluent is None or value[:1] != _CONFLUENT:
            return self.decode(value)
        return _read(value, CONFLUENT_HEAD, self._framed(self._confluent.of(value)))

    async def schema_known(self, value: bytes) -> None:
        """Wait until a record that raised `SchemaPendingError` can be decoded, or is known to be poison."""
        if self._confluent is not None:
            await self._confluent.wait_for(value)

    def _framed(self, schema: Any) -> _Reading:
        """Read a record by the registry's schema, as the record of Mist that has its name."""
        name = str(schema.get("name", "")).rpartition(".")[2] if isinstance(schema, dict) else ""
        if name not in self._named:
            raise PoisonError(f"unknown record {name!r} in the schema registry; expected one of Mist's records")
        newest = self._named[name]
        return _Reading(name, schema, newest.writer, newest.convert)

    def _add(self, record: type, versions: tuple[Version, ...]) -> None:
        newest = versions[-1]
        _compare(record, newest)
        convert = from_dict(record)
        self._writings[record] = _Writing(newest.head, newest.schema, to_dict(record))
        for version in versions:
            reader = None if version is newest else newest.schema
            self._readings[version.head] = _Reading(record.__name__, version.schema, reader, convert)
        self._named[record.__name__] = self._readings[newest.head]


def _read(value: bytes, head: int, reading: _Reading) -> Any:
    """Decode the body behind `head` bytes. Raises `PoisonError`."""
    body = BytesIO(value)
    body.seek(head)
    try:
        record = reading.convert(schemaless_reader(body, reading.writer, reading.reader))
    except EOFError as error:
        raise PoisonError(f"truncated {reading.name}: {len(value)} bytes") from error
    except _WRONG as error:
        raise PoisonError(f"{reading.name} with wrong content: {error}") from error
    if body.tell() != len(value):
        raise PoisonError(f"{reading.name}: {len(value) - body.tell()} trailing bytes")
    return record


def _compare(record: type, newest: Version) -> None:
    """Raise `ValueError` for a class whose fields are not its schema's."""
    fields = {field.name for field in dataclasses.fields(record)}
    written = {field["name"] for field in newest.schema["fields"]}
    if fields != written:
        raise ValueError(
            f"{record.__name__} and its schema v{newest.number} differ in {', '.join(sorted(fields ^ written))}: "
            "write the next version of the schema (schemas/README.md says how)"
        )


def _unreadable(value: bytes) -> str:
    """The reason why there is no schema for these bytes."""
    if not value:
        return "empty: a record without a value"
    if value[:1] == _CONFLUENT:
        return "Confluent framing (first byte 00): only requests may have it, where a schema registry is configured"
    if value[:2] != MARKER:
        return f"neither Avro nor JSON: it begins with {value[:2].hex(' ')}, an Avro record begins with c3 01"
    if len(value) < _HEAD:
        return f"truncated: {len(value)} bytes, where marker and fingerprint alone are {_HEAD}"
    return f"unknown schema: no schema file has the fingerprint {value[2:_HEAD].hex()}"
