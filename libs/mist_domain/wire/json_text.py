"""Strict JSON: the reader of all JSON that clients send, and the writer of lifecycle events and parameters."""

import json
import math
from typing import Any, NoReturn

from mist_domain.errors import RefusalError
from mist_domain.facts.limits import MAX_JSON_DEPTH


def read_json(text: bytes | str) -> Any:
    """JSON as it should be: UTF-8, no NaN or Infinity, no key twice, at most 100 levels deep. Raises `RefusalError`."""
    try:
        decoded = _decoded(text)
        value = json.loads(
            decoded, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise RefusalError(
            "bad_json", f"The JSON is not valid UTF-8 (byte {error.start}); send it as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RefusalError("bad_json", f"The JSON is malformed at {place}: {error.msg}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise RefusalError(
            "bad_json", "The JSON holds a whole number of too many digits; send it as a string."
        ) from error
    if decoded.count("[") + decoded.count("{") > MAX_JSON_DEPTH:
        _check_depth(value)
    _check_surrogates(text, value)
    return value


def _decoded(text: bytes | str) -> str:
    """`json.loads` would take UTF-16 and UTF-32, too."""
    return text if isinstance(text, str) else text.decode()


def write_json(value: Any) -> str:
    """Compact JSON text, keys in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RefusalError(
            "bad_json", f"The key {_repeated(pairs)[:80]!r} stands twice in one JSON object; send it once."
        )
    return found


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    """The first key that repeats an earlier one; one pass, for strangers send objects of any size."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no key is repeated")


def _refuse_constant(name: str) -> NoReturn:
    raise RefusalError("bad_json", f"{name} is not JSON; send null or a number.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise RefusalError(
            "bad_json", f"{text[:40]} is greater than any JSON number Mist can hold; send it as a string."
        )
    return number


def _check_surrogates(text: bytes | str, value: Any) -> None:
    """Half a surrogate pair is no text: it could not be written to the log."""
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if b"\\u" not in raw and b"\xed" not in raw:
        return
    try:
        write_json(value).encode()
    except UnicodeEncodeError as error:
        raise RefusalError(
            "bad_json", "The JSON holds half a surrogate pair (\\ud800 to \\udfff); send the whole."
        ) from error


def _too_deep() -> RefusalError:
    return RefusalError("bad_json", f"The JSON is nested deeper than {MAX_JSON_DEPTH} levels; flatten it.")


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [child for parent in level for child in _children(parent)]:
        depth += 1
        if depth > MAX_JSON_DEPTH:
            raise _too_deep()


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, dict | list)]
    return []
