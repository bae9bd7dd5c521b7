"""Compact JSON answers."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json_bytes(value: Any) -> bytes:
    """`value` may hold `raw_json` in any place. Whole numbers beyond 64 bits only stand in such."""
    return orjson.dumps(value)


def raw_json(text: str) -> orjson.Fragment:
    """JSON text that is sent as it stands."""
    return orjson.Fragment(text)


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_bytes(value), status, headers, media_type="application/json")


def text_answer(text: str) -> Response:
    return Response(text, media_type="text/plain; charset=utf-8")
