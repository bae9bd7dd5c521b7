"""The guard before the API: tokens, scopes and rates."""

import asyncio
import ipaddress
import math
import sys
from collections import OrderedDict
from typing import Protocol

from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mist_domain.wire.json_text import write_json
from mist_gateway.auth.scopes import Caller, needed
from mist_gateway.auth.tokens import SignedTokens, TokenFile
from mist_gateway.problems import ProblemError
from mist_gateway.settings import GatewaySettings

MAX_CLIENTS = 10_000
BURST_SECONDS = 2.0
CLOSE_CODES = {401: 4401, 403: 4403}
TRY_AGAIN_LATER = 1013
MAX_REASON = 120
_BEARER = {"WWW-Authenticate": 'Bearer realm="mist"'}


class Rates:
    """A bucket for each client: `rate` requests a second, and a burst of two seconds' worth.

    The clients seen last are remembered. The caller gives the time.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._capacity = max(1.0, rate * BURST_SECONDS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """Count a request. 0 when it is allowed, else the seconds until one is."""
        level, at = self._buckets.pop(client, (self._capacity, now))
        level = min(self._capacity, level + (now - at) * self._rate)
        allowed = level >= 1.0
        self._buckets[client] = (level - 1.0 if allowed else level, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - level) / self._rate


class Tokens(Protocol):
    async def find(self, given: str) -> Caller | None: ...


def tokens_of(settings: GatewaySettings) -> list[Tokens]:
    """The sources of tokens that are set; none when access is open. Exits with a sentence for a bad file."""
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
    """Exit unless tokens are set, only this machine can reach the port, or anonymous access is allowed."""
    guarded = settings.tokens_file is not None or settings.jwks
    if guarded or settings.allow_anonymous or _is_loopback(settings.http_host):
        return
    sys.exit(
        f"MIST_HTTP_HOST is {settings.http_host}, so other machines could run code here without a token: "
        "set MIST_TOKENS_FILE or MIST_JWKS, or MIST_ALLOW_ANONYMOUS=true if something else keeps them out"
    )


def guarded(app: ASGIApp, settings: GatewaySettings) -> ASGIApp:
    """`app` behind tokens and rates; `app` itself when neither is set."""
    tokens = tokens_of(settings)
    rates = Rates(settings.rate_limit) if settings.rate_limit else None
    if not tokens and rates is None:
        return app

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await _refusal(scope, tokens, rates) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            await app(scope, receive, send)
        elif scope["type"] == "http":
            response = JSONResponse(refusal.body(), refusal.status, refusal.headers)
            await response(scope, receive, send)
        else:
            await _close(refusal, receive, send)

    return answer


async def _refusal(scope: Scope, tokens: list[Tokens], rates: Rates | None) -> ProblemError | None:
    wanted = needed(scope.get("method", "GET"), scope["path"])
    if wanted is None:
        return None
    caller = None
    if tokens:
        given = _token(scope)
        caller = await _find(tokens, given) if given else None
        if caller is None:
            return _unauthorized("The token is not valid." if given else "A bearer token is needed.")
        if caller.access < wanted:
            return _forbidden(f"{caller.name} may {caller.access.name.lower()}; this needs {wanted.name.lower()}.")
    return _too_often(scope, caller, rates) if rates is not None else None


def _too_often(scope: Scope, caller: Caller | None, rates: Rates) -> ProblemError | None:
    client = caller.name if caller else (scope.get("client") or ("unknown", 0))[0]
    wait = rates.wait(client, asyncio.get_running_loop().time())
    if wait == 0:
        return None
    headers = {"Retry-After": str(math.ceil(wait))}
    return ProblemError(429, "too_often", "Too many requests; ask again later.", headers=headers)


async def _find(tokens: list[Tokens], given: str) -> Caller | None:
    for known in tokens:
        caller = await known.find(given)
        if caller is not None:
            return caller
    return None


def _token(scope: Scope) -> str | None:
    """The token of the header; of the query too for a WebSocket, to which browsers send no header."""
    kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token:
        return token.strip()
    return QueryParams(scope["query_string"]).get("access_token") if scope["type"] == "websocket" else None


def _unauthorized(message: str) -> ProblemError:
    return ProblemError(401, "unauthorized", message, headers=_BEARER)


def _forbidden(message: str) -> ProblemError:
    return ProblemError(403, "forbidden", message)


async def _close(refusal: ProblemError, receive: Receive, send: Send) -> None:
    """Accept and close a WebSocket at once, so that its client sees the reason."""
    await receive()
    await send({"type": "websocket.accept"})
    code = CLOSE_CODES.get(refusal.status, TRY_AGAIN_LATER)
    reason = write_json(refusal.body())[:MAX_REASON]
    await send({"type": "websocket.close", "code": code, "reason": reason})


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
