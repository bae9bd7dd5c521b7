"""Around the API: CORS on every answer, OPTIONS, and the way from a request to the gateway."""

from fastapi import Request
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mist_gateway.problems import unavailable
from mist_gateway.service import Gateway

_ALWAYS = [
    (b"access-control-expose-headers", b"Idempotency-Key, Retry-After"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
_METHODS = (b"access-control-allow-methods", b"GET, POST, PUT, DELETE, OPTIONS")


def the_gateway(connection: HTTPConnection) -> Gateway:
    gateway: Gateway = connection.app.state.gateway
    return gateway


def ready(request: Request) -> Gateway:
    """The gateway, once it can be used; 503 until then."""
    gateway = the_gateway(request)
    reason = gateway.not_ready()
    if reason is not None:
        raise unavailable(reason)
    return gateway


def open_to_origins(app: ASGIApp, origins: str) -> ASGIApp:
    """`app` with CORS and security headers on every answer, errors too; OPTIONS is answered with 200.

    `origins`: comma-separated, or `*`.
    """
    allowed = {origin.strip().encode() for origin in origins.split(",")}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_cors(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_ALWAYS, *_origin(scope, allowed)]
            await send(message)

        if scope["type"] != "http":
            await app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _answer_options(scope, send_with_cors)
        else:
            await app(scope, receive, send_with_cors)

    return answer


def _origin(scope: Scope, allowed: set[bytes]) -> list[tuple[bytes, bytes]]:
    if b"*" in allowed:
        return [(b"access-control-allow-origin", b"*")]
    origin = dict(scope["headers"]).get(b"origin")
    found = [(b"access-control-allow-origin", origin)] if origin in allowed and origin is not None else []
    return [*found, (b"vary", b"Origin")]


async def _answer_options(scope: Scope, send: Send) -> None:
    wanted = dict(scope["headers"]).get(b"access-control-request-headers", b"*")
    headers = [_METHODS, (b"access-control-allow-headers", wanted), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
