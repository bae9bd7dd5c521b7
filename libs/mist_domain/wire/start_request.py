"""The seed's JSON start request, as it arrives on Kafka and MQTT, and strict JSON reading for all that comes in."""

from collections.abc import Mapping
from typing import Any

from mist_domain.errors import RefusalError
from mist_domain.facts.registry import Mode, is_name
from mist_domain.facts.requests import StartRequest
from mist_domain.wire.durations import ALLOWED, parse_duration
from mist_domain.wire.json_text import read_json, write_json

MAX_REQUEST_BYTES = 512_000
NAME_RULE = "1 to 128 letters, digits, '_', '.' or '-', and not dots alone"


def read_mode(text: str) -> Mode:
    """`shared` or `exclusive`; `exlusive`, the specification's own spelling, is taken too. Raises `RefusalError`."""
    if text == "shared":
        return "shared"
    if text in {"exclusive", "exlusive"}:
        return "exclusive"
    raise RefusalError("bad_mode", f"mode is {text!r}; it must be 'shared' or 'exclusive'.")


def read_start_request(text: bytes, source: str) -> StartRequest:
    """The seed's JSON start request. Raises `RefusalError` that names the field; whether it can be run is decided later."""
    body = read_json(text)
    if not isinstance(body, dict):
        raise RefusalError("not_a_start_request", "A start request is a JSON object with 'endpointId'.")
    endpoint = _text(body, "endpointId") or _text(body, "functionId")
    if endpoint is None:
        raise RefusalError("not_a_start_request", "A start request needs 'endpointId', the name of an endpoint.")
    settings = _object(body, "runSettings")
    context, mode = _text(settings, "contextId"), _text(settings, "mode")
    return StartRequest(
        request_id=_text(body, "requestId"),
        endpoint=endpoint,
        parameters=write_json(_object(body, "parameters")),
        context=context,
        mode=None if mode is None else read_mode(mode),
        worker_id=_worker_id(settings),
        external_id=_text(body, "externalId"),
        source=source,
        start_timeout=_duration(body, "startTimeout"),
        perform_timeout=_duration(body, "performTimeout"),
        priority=_integer(body, "priority"),
    )


def _text(body: Mapping[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is None or isinstance(value, str):
        return value
    raise RefusalError("not_a_start_request", f"'{field}' must be a string, not {write_json(value)[:80]}.")


def _object(body: Mapping[str, Any], field: str) -> dict[str, Any]:
    value = body.get(field)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise RefusalError("not_a_start_request", f"'{field}' must be a JSON object, not {write_json(value)[:80]}.")


def _integer(body: Mapping[str, Any], field: str) -> int:
    value = body.get(field, 0)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    raise RefusalError("not_a_start_request", f"'{field}' must be a whole number, not {write_json(value)[:80]}.")


def _worker_id(settings: Mapping[str, Any]) -> str | None:
    value = _text(settings, "workerId")
    if value is None or is_name(value):
        return value
    raise RefusalError("not_a_start_request", f"'workerId' is {value[:80]!r}; it must be {NAME_RULE}.")


def _duration(body: Mapping[str, Any], field: str) -> int | None:
    value = _text(body, field)
    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise RefusalError("not_a_start_request", f"'{field}' must be {ALLOWED}, not {value[:80]!r}.") from error
