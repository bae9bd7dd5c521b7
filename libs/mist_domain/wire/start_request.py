"""Start requests, for every door: what REST, Kafka and MQTT clients write becomes the same checked `StartRequest`.

A *refusal* is `RefusalError`; its code is `bad_FIELD` where one field is wrong. Names of endpoints and contexts that
nobody can define are no refusal here: their job fails with the reason, so that its client sees it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mist_domain.errors import RefusalError
from mist_domain.facts import requests
from mist_domain.facts.limits import MAX_DURATION, MAX_LABEL_BYTES, MAX_PRIORITY, MAX_REQUEST_BYTES, MIN_PRIORITY
from mist_domain.facts.registry import MODE_WORDS, NAME_RULE, Mode, is_name
from mist_domain.facts.requests import KAFKA_SOURCE, Request, StartRequest
from mist_domain.wire.durations import ALLOWED, parse_duration
from mist_domain.wire.json_text import read_json, write_json

_TEXTS = {
    "requestId": "request_id",
    "endpointId": "endpoint",
    "contextId": "context",
    "workerId": "worker_id",
    "externalId": "external_id",
    "source": "source",
}
"""The name clients know → the field; each is a label of limited size."""
_TIMEOUTS = {"startTimeout": "start_timeout", "performTimeout": "perform_timeout"}


def read_request(value: bytes, decode: Callable[[bytes], object]) -> Request:
    """The request in a record of `mist.requests`: JSON if it begins with `{`, else what `decode` makes of the bytes.

    Raises `RefusalError`, and whatever `decode` raises.
    """
    _check_size(value)
    if value.lstrip()[:1] == b"{":
        return read_start_request(value, KAFKA_SOURCE)
    match decode(value):
        case StartRequest() as request:
            return check_start_request(request)
        case requests.CancelRequest() | requests.StopWorkerRequest() | requests.PrepareWorkerRequest() as request:
            return request
        case record:
            raise RefusalError("not_a_request", f"a {type(record).__name__} is no request")


def read_start_request(text: bytes, source: str) -> StartRequest:
    """The JSON start request of the original Mist: `{"endpointId", "parameters", "runSettings", …}`.

    Raises `RefusalError` that names the field.
    """
    _check_size(text)
    body = read_json(text)
    if not isinstance(body, dict):
        raise RefusalError("not_a_start_request", "A start request is a JSON object with 'endpointId'.")
    endpoint = _text(body, "endpointId") or _text(body, "functionId")
    if endpoint is None:
        raise RefusalError("not_a_start_request", "A start request needs 'endpointId', the name of an endpoint.")
    settings = _object(body, "runSettings")
    return build_start_request(
        request_id=_text(body, "requestId"),
        endpoint=endpoint,
        parameters=_object(body, "parameters"),
        context=_text(settings, "contextId"),
        mode=_text(settings, "mode"),
        worker_id=_text(settings, "workerId"),
        external_id=_text(body, "externalId"),
        source=source,
        start_timeout=_text(body, "startTimeout"),
        perform_timeout=_text(body, "performTimeout"),
        priority=_integer(body, "priority"),
    )


def build_start_request(
    *,
    endpoint: str,
    parameters: Mapping[str, Any],
    source: str,
    request_id: str | None = None,
    context: str | None = None,
    mode: str | None = None,
    worker_id: str | None = None,
    external_id: str | None = None,
    start_timeout: str | None = None,
    perform_timeout: str | None = None,
    priority: int = 0,
    registry_offset: int | None = None,
) -> StartRequest:
    """The request of options as clients write them: `mode` a word, timeouts durations such as "10s" or "Inf".

    `parameters` holds what JSON can. Raises `RefusalError` that names the field.
    """
    return check_fields(
        StartRequest(
            request_id=request_id,
            endpoint=endpoint,
            parameters=write_json(dict(parameters)),
            context=context,
            mode=None if mode is None else read_mode(mode),
            worker_id=worker_id,
            external_id=external_id,
            source=source,
            start_timeout=_duration(start_timeout, "startTimeout"),
            perform_timeout=_duration(perform_timeout, "performTimeout"),
            priority=priority,
            registry_offset=registry_offset,
        )
    )


def check_start_request(request: StartRequest) -> StartRequest:
    """The request of a stranger's Avro record with its parameters as canonical JSON text. Raises `RefusalError`."""
    try:
        parameters = read_json(request.parameters)
    except RefusalError as refusal:
        raise RefusalError("bad_parameters", f"'parameters': {refusal.message}") from refusal
    if not isinstance(parameters, dict):
        raise RefusalError("bad_parameters", "'parameters' must be the text of a JSON object.")
    return check_fields(replace(request, parameters=write_json(parameters)))


def read_mode(text: str) -> Mode:
    """`shared` or `exclusive`, also in the original Mist's spelling `exlusive`. Raises `RefusalError`."""
    mode = MODE_WORDS.get(text)
    if mode is None:
        raise RefusalError("bad_mode", f"mode is {text[:80]!r}; it must be 'shared' or 'exclusive'.")
    return mode


def _check_size(value: bytes) -> None:
    if len(value) > MAX_REQUEST_BYTES:
        raise RefusalError("too_large", f"The request has {len(value)} bytes; at most {MAX_REQUEST_BYTES} are allowed.")


def check_fields(request: StartRequest) -> StartRequest:
    """The request, once its labels, timeouts, priority and worker id are within limits. Raises `RefusalError`."""
    for field, attribute in _TEXTS.items():
        text = getattr(request, attribute)
        if text is not None and len(text.encode()) > MAX_LABEL_BYTES:
            raise RefusalError(f"bad_{field}", f"'{field}' is longer than {MAX_LABEL_BYTES} bytes.")
    for field, attribute in _TIMEOUTS.items():
        if not 0 <= (getattr(request, attribute) or 0) <= MAX_DURATION:
            raise RefusalError(f"bad_{field}", f"'{field}' must be 0 to {MAX_DURATION} ms.")
    if not MIN_PRIORITY <= request.priority <= MAX_PRIORITY:
        raise RefusalError("bad_priority", f"'priority' must be a whole number, {MIN_PRIORITY} to {MAX_PRIORITY}.")
    if request.worker_id is not None and not is_name(request.worker_id):
        raise RefusalError("bad_workerId", f"'workerId' is {request.worker_id[:80]!r}; it must be {NAME_RULE}.")
    return request


def _text(body: Mapping[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is None or isinstance(value, str):
        return value
    raise RefusalError(f"bad_{field}", f"'{field}' must be a string, not {write_json(value)[:80]}.")


def _object(body: Mapping[str, Any], field: str) -> dict[str, Any]:
    value = body.get(field)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise RefusalError(f"bad_{field}", f"'{field}' must be a JSON object, not {write_json(value)[:80]}.")


def _integer(body: Mapping[str, Any], field: str) -> int:
    value = body.get(field, 0)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise RefusalError(f"bad_{field}", f"'{field}' must be a whole number, not {write_json(value)[:80]}.")


def _duration(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise RefusalError(f"bad_{field}", f"'{field}' must be {ALLOWED}, not {text[:80]!r}.") from error
