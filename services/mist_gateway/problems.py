"""Answers that are errors: one JSON shape for all of them, made in one place. Never a stack trace."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mist_domain.errors import RefusalError
from mist_domain.facts.registry import NAME_RULE
from mist_gateway.http.responses import json_answer

log = structlog.get_logger("mist.gateway")


class Problem(Exception):  # noqa: N818
    """A request that gets an error: `code` is stable, the message says what was wrong and what to do."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, **more: str
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.more = more


def bad_request(code: str, message: str) -> Problem:
    return Problem(400, code, message)


def bad_name(kind: str, name: str) -> Problem:
    return bad_request("bad_name", f"{name[:80]!r} cannot name {kind}: a name is {NAME_RULE}.")


def unknown(kind: str, name: str, advice: str) -> Problem:
    return Problem(404, f"unknown_{kind}", f"There is no {kind} {name[:200]!r}; {advice}.")


def too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"The request is larger than {limit} bytes; send less, or a path to the data.")


def unavailable(message: str, *, headers: Mapping[str, str] | None = None, **more: str) -> Problem:
    return Problem(503, "unavailable", message, headers={"Retry-After": "2", **(headers or {})}, **more)


def queue_full(reason: str, *, headers: Mapping[str, str] | None = None, **more: str) -> Problem:
    message = f"The queue is full: {reason}. Send it again later."
    return Problem(429, "queue_full", message, headers={"Retry-After": "5", **(headers or {})}, **more)


def answer_errors(app: FastAPI) -> None:
    """Make JSON of whatever a handler raises."""
    for kind in (Problem, RefusalError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _answer)


def error_body(code: str, message: str, **more: str) -> dict[str, Any]:
    return {"error": code, "message": message, **more}


async def _answer(request: Request, error: Exception) -> Response:
    match error:
        case Problem():
            body = error_body(error.code, error.message, **error.more)
            return json_answer(body, status=error.status, headers=error.headers)
        case RefusalError():
            return json_answer(error_body(error.code, error.message), status=400)
        case HTTPException():
            return json_answer(_http_body(request, error), status=error.status_code, headers=error.headers)
        case RequestValidationError():
            return json_answer(error_body("bad_request", str(error)), status=400)
        case _:
            log.error("request-failed", path=request.url.path, exc_info=error)
            body = error_body("internal", "Mist failed to answer; the gateway's log says why. Please report it.")
            return json_answer(body, status=500)


def _http_body(request: Request, error: HTTPException) -> dict[str, Any]:
    path = request.url.path
    match error.status_code:
        case 404:
            return error_body("unknown_path", f"There is nothing at {path}; see /docs for what there is.")
        case 405:
            return error_body("bad_method", f"{request.method} is not possible on {path}; see /docs for what is.")
        case _:
            return error_body("bad_request", str(error.detail))
