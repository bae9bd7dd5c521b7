"""Records to bytes and back: Avro, single-object encoding. Knows no jobs; the dataclasses are passed in."""

from collections.abc import Iterable
from pathlib import Path


class Codec:
    """`encode` writes the newest schema of a record's class; `decode` reads every version ever written."""

    def __init__(self, records: Iterable[type], schemas: Path | None = None) -> None: ...

    def encode(self, record: object) -> bytes: ...

    def decode(self, value: bytes) -> object:
        """The record, or `Poison`."""
