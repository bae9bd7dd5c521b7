"""Bytes to records: what goes in comes out, and whatever else comes in is poison with a reason."""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, make_dataclass
from io import BytesIO
from typing import Any, Literal

import pytest
from fastavro import parse_schema, schemaless_writer
from hypothesis import given, settings
from hypothesis import strategies as st

from mist_domain.facts.hosts import Tick
from mist_domain.facts.job_events import JobQueued, JobStarted
from mist_domain.facts.records import RECORDS
from mist_domain.facts.requests import StartRequest
from mist_eventlog import Codec, PoisonError
from mist_eventlog.schema.files import as_python, schemas_folder, versions_of

CODEC = Codec(RECORDS)
STARTED = JobStarted(job_id="j", writer="h", attempt=1, worker_id="w")
HEADS = {record: versions_of(record.__name__, schemas_folder())[-1].head for record in RECORDS}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INT = st.integers(-(2**31), 2**31 - 1)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Legal values of a field's annotation."""
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case types.UnionType | typing.Union:
            return st.one_of([values(argument) for argument in arguments])
        case origin if origin is tuple:
            return st.lists(values(arguments[0]), max_size=3).map(tuple)
        case origin if origin is Literal:
            return st.sampled_from(arguments)
        case origin if origin is not None and issubclass(origin, Mapping):
            return st.dictionaries(TEXT, TEXT, max_size=3)
        case _:
            plain = {str: TEXT, int: INT, bool: st.booleans(), types.NoneType: st.none()}
            return plain[hint] if hint in plain else instances(hint)


def instances(record: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(record)
    return st.builds(record, **{field.name: values(hints[field.name]) for field in fields(record)})


ANY_RECORD = st.one_of([instances(record) for record in RECORDS])


def reason_for(value: bytes) -> str:
    with pytest.raises(PoisonError) as raised:
        CODEC.decode(value)
    return raised.value.reason


@given(ANY_RECORD)
def test_what_is_encoded_is_decoded_again(record: object) -> None:
    assert CODEC.decode(CODEC.encode(record)) == record


@given(ANY_RECORD, st.data())
def test_a_record_cut_short_is_poison(record: object, data: st.DataObject) -> None:
    value = CODEC.encode(record)
    cut = value[: data.draw(st.integers(0, len(value) - 1))]
    with pytest.raises(PoisonError):
        CODEC.decode(cut)


@settings(max_examples=500)
@given(st.sampled_from(RECORDS), st.binary(max_size=200))
def test_any_bytes_after_a_known_fingerprint_are_a_record_or_poison(record: type, body: bytes) -> None:
    try:
        decoded = CODEC.decode(HEADS[record] + body)
    except PoisonError:
        return
    assert type(decoded) is record


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty: a record without a value"),
        (
            b"\x00\x00\x00\x00\x01ab",
            "Confluent framing (first byte 00): only requests may have it, where a schema registry is configured",
        ),
        (b"hello", "neither Avro nor JSON: it begins with 68 65, an Avro record begins with c3 01"),
        (b"\xc3\x01\x00", "truncated: 3 bytes, where marker and fingerprint alone are 10"),
        (
            b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08ab",
            "unknown schema: no schema file has the fingerprint 0102030405060708",
        ),
        (CODEC.encode(STARTED)[:-1], "truncated JobStarted: 16 bytes"),
        (CODEC.encode(STARTED) + b"xy", "JobStarted: 2 trailing bytes"),
    ],
)
def test_poison_names_the_reason(value: bytes, reason: str) -> None:
    assert reason_for(value) == reason


def test_text_that_is_no_utf_8_is_poison() -> None:
    value = CODEC.encode(Tick(scheduler_id="aa")).replace(b"aa", b"\xff\xff")
    assert reason_for(value).startswith("Tick with wrong content: ")


def test_a_word_that_the_field_does_not_know_is_poison() -> None:
    good = CODEC.encode(StartRequest(endpoint="e", source="s", mode="shared"))
    assert reason_for(good.replace(b"shared", b"shaped")) == (
        "StartRequest with wrong content: mode is 'shaped', not one of exclusive, shared"
    )


def test_a_class_the_codec_was_not_given_is_unknown() -> None:
    with pytest.raises(PoisonError, match="unknown schema"):
        Codec([JobQueued]).decode(CODEC.encode(STARTED))


def test_a_class_that_differs_from_its_schema_is_refused() -> None:
    different = make_dataclass("JobQueued", [("job_id", str), ("colour", str)])
    with pytest.raises(ValueError, match="JobQueued and its schema v1 differ in colour, version, writer"):
        Codec([different])


def test_a_class_without_a_schema_is_refused() -> None:
    @dataclass(frozen=True)
    class Unknown:
        name: str

    with pytest.raises(FileNotFoundError, match="Unknown has no schema"):
        Codec([Unknown])


class FakeRegistry:
    """Gives one schema for every record, at once; `test_confluent` meets a real server."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema

    def of(self, value: bytes) -> Any:
        return parse_schema(as_python(self.schema))


def framed(schema: Any, record: Mapping[str, Any]) -> bytes:
    body = BytesIO()
    schemaless_writer(body, parse_schema(schema), record)
    return b"\x00\x00\x00\x00\x07" + body.getvalue()


def test_a_record_in_confluent_framing_is_read_by_its_fields_names() -> None:
    schema = {
        "type": "record",
        "name": "their.own.StartRequest",
        "fields": [{"name": name, "type": "string"} for name in ("externalId", "endpoint", "source", "more")],
    }
    codec = Codec(RECORDS, confluent=FakeRegistry(schema))  # type: ignore[arg-type]
    value = framed(schema, {"externalId": "x", "endpoint": "e", "source": "s", "more": "m"})
    assert codec.decode_foreign(value) == StartRequest(endpoint="e", external_id="x", source="s")
    with pytest.raises(PoisonError, match="truncated StartRequest"):
        codec.decode_foreign(value[:8])


def test_a_strangers_record_in_confluent_framing_is_poison() -> None:
    schema = {"type": "record", "name": "Stranger", "fields": []}
    with pytest.raises(PoisonError, match="unknown record 'Stranger' in the schema registry"):
        Codec(RECORDS, confluent=FakeRegistry(schema)).decode_foreign(framed(schema, {}))  # type: ignore[arg-type]


def test_on_the_services_own_topics_confluent_framing_is_poison_for_every_service_alike() -> None:
    """Else a service with a registry would fold a record that one without it passes over."""
    schema = {"type": "record", "name": "Tick", "fields": [{"name": "schedulerId", "type": "string"}]}
    codec = Codec(RECORDS, confluent=FakeRegistry(schema))  # type: ignore[arg-type]
    value = framed(schema, {"schedulerId": "s"})
    assert codec.decode_foreign(value) == Tick(scheduler_id="s")
    with pytest.raises(PoisonError, match="only requests may have it"):
        codec.decode(value)
