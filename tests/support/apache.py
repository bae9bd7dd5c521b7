"""Apache's avro as the other side of the contract: what it writes and reads, in the same bytes as ours."""

import datetime as dt
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import avro.io
import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from mist_eventlog.schema.files import versions_of

MARKER = b"\xc3\x01"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def head(schema: Any) -> bytes:
    """Marker and fingerprint of a single-object record.

    Apache's Python library writes `{"type": "long"}` for a type with a logical type into the canonical form, where the
    specification and Apache's Java have `"long"`; so the logical types are taken out first.
    """
    plain = json.loads(json.dumps(schema.to_json()), object_hook=_without_logical_type)
    return MARKER + avro.schema.parse(json.dumps(plain)).fingerprint("CRC-64-AVRO")


def _without_logical_type(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "logicalType"}


def encode(schema: Any, value: Any) -> bytes:
    """A single-object record. `value` is as the examples have it: times are milliseconds."""
    body = BytesIO()
    avro.io.DatumWriter(schema).write(with_times(schema, value), avro.io.BinaryEncoder(body))
    return head(schema) + body.getvalue()


def decode(writer: Any, reader: Any, value: bytes) -> Any:
    """Decode a single-object record, as `reader` sees what `writer` wrote; times are datetimes."""
    assert value.startswith(head(writer))
    body = BytesIO(value[len(head(writer)) :])
    content = avro.io.DatumReader(writer, reader).read(avro.io.BinaryDecoder(body))
    assert not body.read()
    return content


def with_times(schema: Any, value: Any) -> Any:
    """The same value with datetimes where the schema says timestamp-millis, as Apache's library wants them."""
    match schema.type:
        case "record":
            return {field.name: with_times(field.type, value[field.name]) for field in schema.fields}
        case "array":
            return [with_times(schema.items, item) for item in value]
        case "union":
            present = next((branch for branch in schema.schemas if branch.type != "null"), None)
            return None if value is None else with_times(present, value)
        case _ if getattr(schema, "logical_type", None) == "timestamp-millis":
            return EPOCH + dt.timedelta(milliseconds=value)
        case _:
            return value


def parsed(file: Path) -> Any:
    return avro.schema.parse(file.read_text())


def example_of(file: Path) -> Any:
    return json.loads((file.parent / "examples" / f"{file.stem}.json").read_text())


def older_and_newer(folder: Path) -> list[tuple[Path, Path]]:
    """Each schema file with each newer version of its record, and with itself."""
    pairs = []
    for record in {file.name.split(".")[0] for file in folder.glob("*.avsc")}:
        files = [folder / f"{record}.v{version.number}.avsc" for version in versions_of(record, folder)]
        pairs += [(older, newer) for place, older in enumerate(files) for newer in files[place:]]
    return pairs


def refuse_unreadable(older: Path, newer: Path) -> None:
    verdict = ReaderWriterCompatibilityChecker().get_compatibility(parsed(newer), parsed(older))  # type: ignore[no-untyped-call]
    assert verdict.compatibility is SchemaCompatibilityType.compatible, verdict.messages
    written = encode(parsed(older), example_of(older))
    decode(parsed(older), parsed(newer), written)
