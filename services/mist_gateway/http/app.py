"""The ASGI application: every route and its documentation, behind CORS, tokens and rates."""

from collections.abc import Collection

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mist_gateway.auth.middleware import guarded
from mist_gateway.http import artifacts, contexts, endpoints, jobs, openapi, sockets, status, workers
from mist_gateway.http.answers import answer_errors
from mist_gateway.service import Gateway

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
EXPOSED = "Idempotency-Key, Retry-After"


def build_api(gateway: Gateway) -> ASGIApp:
    api = FastAPI(
        title="Mist",
        version=status.MIST_VERSION,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.gateway = gateway
    answer_errors(api)
    api.include_router(endpoints.router, prefix="/v2/api/endpoints")
    api.include_router(jobs.router, prefix="/v2/api/jobs")
    api.include_router(endpoints.router, prefix="/v2/api/functions", include_in_schema=False)
    api.include_router(workers.router, prefix="/v2/api/workers")
    api.include_router(contexts.router, prefix="/v2/api/contexts")
    api.include_router(artifacts.router, prefix="/v2/api/artifacts")
    api.include_router(status.router)
    api.include_router(sockets.router)
    return open_to_origins(guarded(api, gateway.settings), gateway.settings.cors_origins)


def open_to_origins(app: ASGIApp, origins: str) -> ASGIApp:
    """`app` behind CORS for `origins` (comma-separated, or `*`), outermost, so that errors carry its headers too."""
    allowed = [origin.strip() for origin in origins.split(",")]
    return CORSMiddleware(
        _with_headers(app, allowed),
        allow_origins=allowed,
        allow_methods=METHODS,
        allow_headers=["*"],
        expose_headers=EXPOSED.split(", "),
    )


def _with_headers(app: ASGIApp, allowed: Collection[str]) -> ASGIApp:
    """`app` with security headers. Starlette's CORS needs an `Origin`; without one, `*` is answered all the same.

    A cache may hand the answer to a page later. An OPTIONS that is no preflight is answered with 200.
    """
    always = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Access-Control-Expose-Headers": EXPOSED,
    } | ({"Access-Control-Allow-Origin": "*"} if "*" in allowed else {})

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(always)
            await send(message)

        if scope["type"] != "http":
            await app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _options(scope)(scope, receive, send_with_headers)
        else:
            await app(scope, receive, send_with_headers)

    return answer


def _options(scope: Scope) -> Response:
    asked = Headers(scope=scope).get("access-control-request-headers", "*")
    headers = {"Access-Control-Allow-Methods": ", ".join(METHODS), "Access-Control-Allow-Headers": asked}
    return Response(headers=headers)
