"""Answers: compact JSON, text, and every error in one form. Never a stack trace."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mist_domain.errors import RefusalError
from mist_gateway.http.models import json_bytes
from mist_gateway.http.validation import explain_parameters
from mist_gateway.problems import ProblemError, bad_request

log = structlog.get_logger("mist.gateway")


def json_answer(
    value: BaseModel | list[Any] | Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(json_bytes(value), status, headers, media_type="application/json")


def text_answer(text: str) -> Response:
    return Response(text, media_type="text/plain; charset=utf-8")


def answer_errors(app: FastAPI) -> None:
    """Turn whatever a handler raises into JSON."""
    for kind in (ProblemError, RefusalError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    problem = _problem(request, error)
    return json_answer(problem.body(), status=problem.status, headers=problem.headers)


def _problem(request: Request, error: Exception) -> ProblemError:
    match error:
        case ProblemError():
            return error
        case RefusalError():
            return bad_request(error.code, error.message)
        case HTTPException():
            return _http_problem(request, error)
        case RequestValidationError():
            return bad_request(*explain_parameters(error.errors()))
        case _:
            log.error("request-failed", path=request.url.path, exc_info=error)
            return ProblemError(
                500, "internal", "Mist failed to answer; the gateway's log has the reason. Please report it."
            )


def _http_problem(request: Request, error: HTTPException) -> ProblemError:
    path = request.url.path
    match error.status_code:
        case 404:
            code, message = "unknown_path", f"There is nothing at {path}; see /docs for all paths."
        case 405:
            code, message = "bad_method", f"{request.method} is not possible on {path}; see /docs for its methods."
        case _:
            code, message = "bad_request", str(error.detail)
    return ProblemError(error.status_code, code, message, headers=error.headers)
