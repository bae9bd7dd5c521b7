"""Bytes of `mist.requests` to requests: Avro, or the seed's JSON start request."""

from mist_domain.errors import RefusalError
from mist_domain.facts.requests import CancelRequest, PrepareWorkerRequest, Request, StartRequest, StopWorkerRequest
from mist_domain.wire.start_request import MAX_REQUEST_BYTES, read_start_request
from mist_eventlog import Codec, PoisonError

SOURCE = "Async Kafka"


def read_request(codec: Codec, value: bytes) -> Request:
    """The request in a record's value. Raises `PoisonError` with the reason for the dead letter.

    Raises `SchemaPendingError` for one in Confluent's framing whose schema is not fetched yet.
    """
    if len(value) > MAX_REQUEST_BYTES:
        raise PoisonError(f"the request has {len(value)} bytes; at most {MAX_REQUEST_BYTES} are taken")
    if value.lstrip()[:1] == b"{":
        return _read_json(value)
    record = codec.decode_foreign(value)
    if isinstance(record, StartRequest | CancelRequest | StopWorkerRequest | PrepareWorkerRequest):
        return record
    raise PoisonError(f"a {type(record).__name__} is no request")


def _read_json(value: bytes) -> StartRequest:
    try:
        return read_start_request(value, SOURCE)
    except RefusalError as refusal:
        raise PoisonError(refusal.message) from refusal
