"""MQTT messages to start requests, and events to MQTT messages. Pure: knows neither a broker nor a clock."""

import json
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
    """One of our own events, seen because requests and events share a topic; ignored."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that is no start request. `external_id` is the client's label, if it can be read."""

    reason: str
    external_id: str | None = None


def read_message(payload: bytes, *, retained: bool) -> StartRequest | OwnEvent | Rejected:
    """Read the payload of an MQTT message; `retained` as the broker flags it."""
    if len(payload) > MAX_REQUEST_BYTES:
        return Rejected(f"the message has {len(payload)} bytes; at most {MAX_REQUEST_BYTES} are accepted")
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


def write_rejection(rejected: Rejected, payload: bytes, now: int) -> str:
    """The `failed` event, as JSON, that answers a rejected message at `now` (ms); its id is that of no job."""
    answer: dict[str, Any] = {"event": "failed", "id": str(uuid.uuid5(_ANSWERS, payload.hex()[:2_000]))}
    answer |= {"error": rejected.reason, "externalId": rejected.external_id, "time": now}
    return write_json(answer)


def fit(text: str, limit: int) -> str:
    """The event, without its result, parameters and error if it has more than `limit` bytes: the API has them."""
    size = len(text.encode())
    if size <= limit:
        return text
    event = json.loads(text)
    note = f"omitted, since the event has {size} bytes; GET /v2/api/jobs/{event['id']} returns it"
    for field, replacement in (("result", {"omitted": note}), ("params", {"omitted": note}), ("error", note)):
        if field in event:
            event[field] = replacement
    return write_json(event)


def _glimpse(payload: bytes) -> dict[str, Any]:
    """The JSON object in an untrusted payload, read leniently; empty when there is none."""
    try:
        body = read_json(payload)
    except RefusalError:
        try:
            body = json.loads(payload)
        except (ValueError, RecursionError):
            return {}
    return body if isinstance(body, dict) else {}
