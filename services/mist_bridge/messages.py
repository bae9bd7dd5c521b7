"""MQTT messages to start requests, and events to MQTT messages. Knows no broker."""

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from mist_domain.errors import RefusalError
from mist_domain.facts.limits import MAX_REQUEST_BYTES
from mist_domain.facts.requests import MQTT_SOURCE, StartRequest
from mist_domain.wire.json_text import read_json, write_json
from mist_domain.wire.start_request import read_start_request

EVENTS = frozenset(
    {"initialized", "queued", "started", "finished", "failed", "canceled", "worker-assigned", "cancelling", "logs", "keep-alive"}
)  # fmt: skip
_ANSWERS = uuid.UUID("0f6f3c5e-58f4-5b6d-9f0a-3f1f0c2b7d64")


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An event, which stands there where requests and events share a topic."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """No start request. `external_id` is the client's label, as far as it can be read."""

    reason: str
    external_id: str | None = None


def read_message(payload: bytes, *, retained: bool) -> StartRequest | OwnEvent | Rejected:
    if len(payload) > MAX_REQUEST_BYTES:
        return Rejected(f"the message has {len(payload)} bytes; at most {MAX_REQUEST_BYTES} are allowed")
    body = _glimpse(payload)
    if body.get("event") in EVENTS and "endpointId" not in body and "functionId" not in body:
        return OwnEvent()
    external_id = body.get("externalId") if isinstance(body.get("externalId"), str) else None
    if retained:
        return Rejected("a retained message is no start request: it would start a job at each connection", external_id)
    try:
        return read_start_request(payload, MQTT_SOURCE)
    except RefusalError as refusal:
        return Rejected(refusal.message, external_id)


def write_rejection(rejected: Rejected, payload: bytes) -> str:
    """The `failed` event that answers a message which is no start request; its id is that of no job."""
    answer: dict[str, Any] = {"event": "failed", "id": str(uuid.uuid5(_ANSWERS, payload.hex()[:2_000]))}
    answer |= {"error": rejected.reason, "externalId": rejected.external_id, "time": int(time.time() * 1000)}
    return write_json(answer)


def fit(text: str, most: int) -> str:
    """The event as it is, or, if it has more than `most` bytes, without what is long: the API has the whole."""
    size = len(text.encode())
    if size <= most:
        return text
    event = json.loads(text)
    note = f"left out, since the event has {size} bytes; GET /v2/api/jobs/{event['id']} tells it"
    for field, instead in (("result", {"omitted": note}), ("params", {"omitted": note}), ("error", note)):
        if field in event:
            event[field] = instead
    return write_json(event)


def _glimpse(payload: bytes) -> dict[str, Any]:
    """What can be read of it without trusting it."""
    try:
        body = read_json(payload)
    except RefusalError:
        try:
            body = json.loads(payload)
        except (ValueError, RecursionError):
            return {}
    return body if isinstance(body, dict) else {}
