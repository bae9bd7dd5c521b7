"""Reading a request's body, up to a limit."""

from collections.abc import Mapping, Sequence

from fastapi import Request
from starlette.datastructures import QueryParams

from mist_domain.facts.limits import MAX_REQUEST_BYTES
from mist_domain.facts.registry import is_name
from mist_domain.wire.durations import ALLOWED, parse_duration
from mist_gateway.problems import bad_name, bad_request, too_large
from mist_gateway.projection.job_index import STATUSES


async def read_body(request: Request, limit: int = MAX_REQUEST_BYTES) -> bytes:
    """The body; 413 as soon as it is known to be larger than `limit` bytes."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


DEFAULT_LIMIT = 25
LARGEST_LIMIT = 1_000

_BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}
_OLD_STATUSES = {
    "cancelled": "canceled",
    "running": "started",
    "stopped": "finished",
    "aborted": "canceled",
    "error": "failed",
}


def read_name(kind: str, name: str) -> str:
    if not is_name(name):
        raise bad_name(kind, name)
    return name


def read_flag(query: QueryParams, name: str) -> bool:
    """A boolean of the query; false when it is not there."""
    text = query.get(name)
    if text is None:
        return False
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise bad_request(
            f"bad_{name}", f"{name} is {text[:80]!r}; it must be one of true, false, yes, no, 1, 0, on, off."
        )
    return value


def read_page(query: QueryParams) -> tuple[int, int]:
    """`offset` and `limit`."""
    return _count(query, "offset", 0), min(_count(query, "limit", DEFAULT_LIMIT), LARGEST_LIMIT)


def read_statuses(query: QueryParams) -> Sequence[str]:
    """The statuses asked for, as they are shown now; none means all."""
    return [_status(text) for text in query.getlist("status")]


def read_duration(query: QueryParams, name: str) -> int | None:
    """Milliseconds; `None` when it is not there, or "Inf"."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise bad_request(f"bad_{name}", f"{name} must be {ALLOWED}, not {text[:80]!r}.") from error


def _count(query: QueryParams, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise bad_request(f"bad_{name}", f"{name} is {text[:80]!r}; it must be a whole number, 0 or more.")
    return int(text)


def _status(text: str) -> str:
    word = _OLD_STATUSES.get(text.lower(), text.lower())
    if word not in STATUSES:
        allowed = ", ".join(STATUSES)
        raise bad_request("bad_status", f"There is no status {text[:80]!r}; it must be one of {allowed}.")
    return word
