"""Tokens on REST and WebSocket: refused in words, scopes kept, signed ones held to their keys."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from support.gateway_world import Gateway, new_id

TOKENS = {"reader": "read", "runner": "run", "chief": "admin"}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="package")
def guarded(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("guarded")
    tokens, keys = folder / "tokens", folder / "jwks.json"
    tokens.write_text("".join(f"{name} {scope} {sha(name)}\n" for name, scope in TOKENS.items()))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    keys.write_text(json.dumps({"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}))
    settings = {
        "MIST_TOKENS_FILE": str(tokens), "MIST_JWKS": str(keys), "MIST_JWT_AUDIENCE": "mist", "MIST_RATE_LIMIT": "50",
        "MIST_CORS_ORIGINS": "https://ui.example", "MIST_HTTP_HOST": "127.0.0.1",
    }  # fmt: skip
    gateway = Gateway(kafka, folder, **settings)
    gateway.start()
    yield gateway
    gateway.service.end()


def sha(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def signed(key: rsa.RSAPrivateKey = KEY, **changes: Any) -> str:
    claims = {
        "sub": "ann",
        "aud": "mist",
        "scope": "openid run",
        "exp": dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5),
    }
    return jwt.encode(claims | changes, key, algorithm="RS256", headers={"kid": "one"})


def said(gateway: Gateway) -> str:
    return gateway.log.read_text()


async def ask(gateway: Gateway, method: str, path: str, token: str | None, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with gateway.client() as http:
        return await http.request(method, f"/v2/api{path}", headers=headers, **more)


@pytest.mark.parametrize("token", [None, "wrong", "a.b.c"])
async def test_without_a_token_nothing_is_told(guarded: Gateway, token: str | None) -> None:
    for path in ("/jobs", "/endpoints", "/status"):
        answer = await ask(guarded, "GET", path, token)
        assert answer.status_code == httpx.codes.UNAUTHORIZED
        assert answer.json()["error"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    async with guarded.client() as http:
        for path in ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json"):
            assert (await http.get(path)).status_code == httpx.codes.OK


async def test_each_scope_has_all_of_the_one_before(guarded: Gateway) -> None:
    job, context = f"/endpoints/{new_id()}", {"json": {"name": f"c-{new_id()}"}}
    found = {
        token: [
            (await ask(guarded, "GET", "/jobs", token)).status_code,
            (await ask(guarded, "POST", job, token)).status_code,
            (await ask(guarded, "POST", "/contexts", token, **context)).status_code,
        ]
        for token in (*TOKENS, signed(), signed(scope=["admin"]))
    }
    assert list(found.values()) == [[200, 403, 403], [200, 404, 403], [200, 404, 200], [200, 404, 403], [200, 404, 200]]


async def test_what_is_forbidden_says_what_is_needed(guarded: Gateway) -> None:
    answer = await ask(guarded, "POST", "/contexts", "reader", json={"name": "c"})
    assert answer.json() == {"error": "forbidden", "message": "reader may read; this needs admin."}


@pytest.mark.parametrize(
    "token",
    [
        signed(STRANGER),
        signed(aud="another"),
        signed(exp=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)),
        signed(scope="openid"),
        jwt.encode(
            {"sub": "ann", "aud": "mist", "scope": "admin"}, "x" * 32, algorithm="HS256", headers={"kid": "one"}
        ),
        jwt.encode({"sub": "ann", "aud": "mist", "scope": "admin"}, "", algorithm="none", headers={"kid": "one"}),
    ],
)
async def test_a_signed_token_that_is_not_ours_now_is_none(guarded: Gateway, token: str) -> None:
    assert (await ask(guarded, "GET", "/jobs", token)).status_code == httpx.codes.UNAUTHORIZED


async def test_a_socket_needs_a_token_in_its_header_or_query(guarded: Gateway) -> None:
    for query in ("", "?access_token=wrong"):
        async with connect(guarded.socket(f"/jobs/ws{query}")) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert "unauthorized" in closed.value.rcvd.reason
    for query, headers in (("?access_token=reader", {}), ("", {"Authorization": "Bearer reader"})):
        async with connect(guarded.socket(f"/jobs/ws{query}"), additional_headers=headers) as socket:
            assert await (await socket.ping()) >= 0


async def test_who_asks_too_often_is_told_when_to_ask_again(guarded: Gateway) -> None:
    headers = {"Authorization": f"Bearer {signed(sub='eager')}"}
    async with guarded.client() as http:
        answers = [await http.get("/v2/api/workers", headers=headers) for _ in range(400)]
        late = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
        assert late
        assert (late[0].json()["error"], late[0].headers["retry-after"]) == ("too_often", "1")
    assert (await ask(guarded, "GET", "/jobs", "reader")).status_code == httpx.codes.OK


async def test_only_the_origins_that_were_named_may_use_it_from_a_page(guarded: Gateway) -> None:
    async with guarded.client() as http:
        known = await http.get("/livez", headers={"Origin": "https://ui.example"})
        other = await http.get("/livez", headers={"Origin": "https://evil.example"})
    assert known.headers["access-control-allow-origin"] == "https://ui.example"
    assert "access-control-allow-origin" not in other.headers
    assert (other.headers["vary"], other.headers["x-content-type-options"]) == ("Origin", "nosniff")


async def test_no_token_stands_in_the_log(guarded: Gateway) -> None:
    await ask(guarded, "GET", "/jobs", "a-token-nobody-knows")
    assert all(token not in said(guarded) for token in (*TOKENS, "a-token-nobody-knows"))
