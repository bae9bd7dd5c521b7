"""The seed's JSON start request, as it arrives on Kafka and MQTT, and strict JSON reading for all that comes in."""

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from mist_domain.durations import ALLOWED, parse_duration
from mist_domain.errors import Refusal
from mist_domain.registry import Mode, is_name
from mist_domain.requests import StartRequest

MAX_DEPTH = 100
MAX_REQUEST_BYTES = 512_000
NAME_RULE = "1 to 128 letters, digits, '_', '.' or '-', and not dots alone"


def read_json(text: bytes | str) -> Any:
    """JSON as it should be: UTF-8, no NaN or Infinity, no key twice, at most 100 levels deep. Raises `Refusal`."""
    try:
        value = json.loads(
            _decoded(text), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise Refusal("bad_json", f"The JSON is not valid UTF-8 (byte {error.start}); send it as UTF-8.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Refusal("bad_json", f"The JSON is malformed at {place}: {error.msg}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise Refusal("bad_json", "The JSON holds a whole number of too many digits; send it as a string.") from error
    _check_depth(value)
    _check_surrogates(text, value)
    return value


def _decoded(text: bytes | str) -> str:
    """`json.loads` would take UTF-16 and UTF-32, too."""
    return text if isinstance(text, str) else text.decode()


def write_json(value: Any) -> str:
    """Compact JSON text, keys in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def read_mode(text: str) -> Mode:
    """`shared` or `exclusive`; `exlusive`, the specification's own spelling, is taken too. Raises `Refusal`."""
    if text == "shared":
        return "shared"
    if text in {"exclusive", "exlusive"}:
        return "exclusive"
    raise Refusal("bad_mode", f"mode is {text!r}; it must be 'shared' or 'exclusive'.")


def read_start_request(text: bytes, source: str) -> StartRequest:
    """The seed's JSON start request. Raises `Refusal` that names the field; whether it can be run is decided later."""
    body = read_json(text)
    if not isinstance(body, dict):
        raise Refusal("not_a_start_request", "A start request is a JSON object with 'endpointId'.")
    endpoint = _text(body, "endpointId") or _text(body, "functionId")
    if endpoint is None:
        raise Refusal("not_a_start_request", "A start request needs 'endpointId', the name of an endpoint.")
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


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1)
        raise Refusal("bad_json", f"The key {twice!r} stands twice in one JSON object; send it once.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise Refusal("bad_json", f"{name} is not JSON; send null or a number.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Refusal("bad_json", f"{text[:40]} is greater than any JSON number Mist can hold; send it as a string.")
    return number


def _check_surrogates(text: bytes | str, value: Any) -> None:
    """Half a surrogate pair is no text: it could not be written to the log."""
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if b"\\u" not in raw and b"\xed" not in raw:
        return
    try:
        write_json(value).encode()
    except UnicodeEncodeError as error:
        raise Refusal(
            "bad_json", "The JSON holds half a surrogate pair (\\ud800 to \\udfff); send the whole."
        ) from error


def _too_deep() -> Refusal:
    return Refusal("bad_json", f"The JSON is nested deeper than {MAX_DEPTH} levels; flatten it.")


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [child for parent in level for child in _children(parent)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise _too_deep()


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []


def _text(body: Mapping[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is None or isinstance(value, str):
        return value
    raise Refusal("not_a_start_request", f"'{field}' must be a string, not {write_json(value)[:80]}.")


def _object(body: Mapping[str, Any], field: str) -> dict[str, Any]:
    value = body.get(field)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise Refusal("not_a_start_request", f"'{field}' must be a JSON object, not {write_json(value)[:80]}.")


def _integer(body: Mapping[str, Any], field: str) -> int:
    value = body.get(field, 0)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    raise Refusal("not_a_start_request", f"'{field}' must be a whole number, not {write_json(value)[:80]}.")


def _worker_id(settings: Mapping[str, Any]) -> str | None:
    value = _text(settings, "workerId")
    if value is None or is_name(value):
        return value
    raise Refusal("not_a_start_request", f"'workerId' is {value[:80]!r}; it must be {NAME_RULE}.")


def _duration(body: Mapping[str, Any], field: str) -> int | None:
    value = _text(body, field)
    if value is None:
        return None
    try:
        return parse_duration(value)
    except ValueError as error:
        raise Refusal("not_a_start_request", f"'{field}' must be {ALLOWED}, not {value[:80]!r}.") from error
