"""Before the API: who asks, whether they may, and whether not too often."""

import asyncio
import ipaddress
import math
import sys
from typing import Protocol

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mist_gateway.auth.rates import Rates
from mist_gateway.auth.scopes import Caller, needed
from mist_gateway.auth.tokens import SignedTokens, TokenFile
from mist_gateway.http.responses import json_answer
from mist_gateway.problems import error_body
from mist_gateway.settings import GatewaySettings

UNAUTHORIZED, FORBIDDEN = 4401, 4403
_BEARER = {"WWW-Authenticate": 'Bearer realm="mist"'}


class Tokens(Protocol):
    async def find(self, given: str) -> Caller | None: ...


def tokens_of(settings: GatewaySettings) -> list[Tokens]:
    """Where tokens are known, by the settings; none at all if access is open. Exits with a sentence for a bad file."""
    found: list[Tokens] = []
    try:
        if settings.tokens_file is not None:
            found.append(TokenFile(settings.tokens_file))
    except (OSError, ValueError) as error:
        sys.exit(f"MIST_TOKENS_FILE: {settings.tokens_file} cannot be used: {error}")
    if settings.jwks:
        found.append(SignedTokens(settings.jwks, settings.jwt_audience, settings.jwt_issuer))
    return found


def refuse_open_door(settings: GatewaySettings) -> None:
    """Without tokens only this machine may ask, unless somebody said that all may."""
    guarded = settings.tokens_file is not None or settings.jwks
    if guarded or settings.allow_anonymous or _is_loopback(settings.http_host):
        return
    sys.exit(
        f"MIST_HTTP_HOST is {settings.http_host}, so that others than this machine could run code here without a token: "
        "set MIST_TOKENS_FILE or MIST_JWKS, or say MIST_ALLOW_ANONYMOUS=true if something else keeps them out"
    )


def guarded(app: ASGIApp, settings: GatewaySettings) -> ASGIApp:
    """`app` for those who may. Nothing stands around it when neither tokens nor rates are set."""
    tokens = tokens_of(settings)
    rates = Rates(settings.rate_limit) if settings.rate_limit else None
    if not tokens and rates is None:
        return app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await _refusal(scope, tokens, rates) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await _close(refusal, receive, send)

    return answer


async def _refusal(scope: Scope, tokens: list[Tokens], rates: Rates | None) -> Response | None:
    wanted = needed(scope.get("method", "GET"), scope["path"])
    if wanted is None:
        return None
    caller = None
    if tokens:
        given = _given(scope)
        caller = await _find(tokens, given) if given else None
        if caller is None:
            return _unauthorized("The token is not valid." if given else "A bearer token is needed.")
        if caller.access < wanted:
            return _forbidden(f"{caller.name} may {caller.access.name.lower()}; this needs {wanted.name.lower()}.")
    return _too_often(scope, caller, rates) if rates is not None else None


def _too_often(scope: Scope, caller: Caller | None, rates: Rates) -> Response | None:
    client = caller.name if caller else (scope.get("client") or ("unknown", 0))[0]
    wait = rates.wait(client, asyncio.get_running_loop().time())
    if wait == 0:
        return None
    headers = {"Retry-After": str(math.ceil(wait))}
    return json_answer(error_body("too_often", "Too many requests; ask again later."), status=429, headers=headers)


async def _find(tokens: list[Tokens], given: str) -> Caller | None:
    for known in tokens:
        caller = await known.find(given)
        if caller is not None:
            return caller
    return None


def _given(scope: Scope) -> str | None:
    """The token of the header; for a WebSocket, whose browsers can send none, that of the query too."""
    kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    return QueryParams(scope["query_string"]).get("access_token") if scope["type"] == "websocket" else None


def _unauthorized(message: str) -> Response:
    return json_answer(error_body("unauthorized", message), status=401, headers=_BEARER)


def _forbidden(message: str) -> Response:
    return json_answer(error_body("forbidden", message), status=403)


async def _close(refusal: Response, receive: Receive, send: Send) -> None:
    """A WebSocket is taken and closed at once, so that its client sees why."""
    await receive()
    await send({"type": "websocket.accept"})
    code = {401: UNAUTHORIZED, 403: FORBIDDEN}.get(refusal.status_code, 1013)
    await send({"type": "websocket.close", "code": code, "reason": bytes(refusal.body).decode()[:120]})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
