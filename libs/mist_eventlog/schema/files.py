"""The schema files: their folder, the versions of each record, and their form for fastavro."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

_INSTALLED = Path(__file__).parents[1] / "schemas"
_REPOSITORY = Path(__file__).parents[3] / "schemas"
_VERSION = re.compile(r"\.v(\d+)\.avsc$")

MARKER = b"\xc3\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a record's schema. `head`: marker and fingerprint, the first ten bytes of what it writes."""

    number: int
    schema: Any
    head: bytes


def schemas_folder() -> Path:
    """The folder beside this package when it is installed, else at the repository's root. Raises `FileNotFoundError`."""
    for folder in (_INSTALLED, _REPOSITORY):
        if (folder / "topics.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no schemas in {_INSTALLED} nor in {_REPOSITORY}: install the distribution again")


def versions_of(name: str, folder: Path) -> tuple[Version, ...]:
    """Every version of the record `name`, oldest first. Raises `FileNotFoundError` when there is none."""
    files = sorted(folder.glob(f"{name}.v*.avsc"), key=_number)
    if not files:
        raise FileNotFoundError(f"{name} has no schema: write {folder / name}.v1.avsc")
    return tuple(_version(file) for file in files)


def _number(file: Path) -> int:
    found = _VERSION.search(file.name)
    if found is None:
        raise ValueError(f"{file} is not named NAME.vNUMBER.avsc")
    return int(found[1])


def _version(file: Path) -> Version:
    written = json.loads(file.read_text())
    canonical = to_parsing_canonical_form(written)
    return Version(
        number=_number(file),
        schema=parse_schema(as_python(written)),
        head=MARKER + bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO")),
    )


def as_python(schema: Any) -> Any:
    """A schema of the same bytes with the dataclasses' field names, and times as plain numbers."""
    match schema:
        case {"name": _, "type": "record", "fields": fields}:
            return {**schema, "fields": [_field(field) for field in fields]}
        case dict():
            return {key: as_python(value) for key, value in schema.items() if key != "logicalType"}
        case list():
            return [as_python(part) for part in schema]
        case _:
            return schema


def _field(field: Mapping[str, Any]) -> dict[str, Any]:
    return {**field, "name": snake_case(field["name"]), "type": as_python(field["type"])}


def snake_case(name: str) -> str:
    """`externalId` → `external_id`."""
    return re.sub(r"([A-Z])", r"_\1", name).lower()
