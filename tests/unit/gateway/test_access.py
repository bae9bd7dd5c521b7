"""Access: scopes, tokens and rates."""

import hashlib
from pathlib import Path

import pytest

from mist_gateway.auth.middleware import Rates, refuse_open_door
from mist_gateway.auth.scopes import Access, Caller, find_token, granted, needed, read_tokens
from mist_gateway.auth.tokens import TokenFile
from mist_gateway.settings import GatewaySettings


@pytest.mark.parametrize(
    ("method", "path", "access"),
    [
        ("GET", "/v2/api/jobs", Access.READ),
        ("GET", "/v2/api/artifacts/a.py", Access.READ),
        ("POST", "/v2/api/endpoints/e", Access.RUN),
        ("POST", "/v2/api/functions/e/jobs", Access.RUN),
        ("DELETE", "/v2/api/jobs/j", Access.RUN),
        ("POST", "/v2/api/endpoints", Access.ADMIN),
        ("PUT", "/v2/api/functions", Access.ADMIN),
        ("DELETE", "/v2/api/endpoints/e", Access.ADMIN),
        ("POST", "/v2/api/contexts", Access.ADMIN),
        ("POST", "/v2/api/artifacts", Access.ADMIN),
        ("DELETE", "/v2/api/workers/w", Access.ADMIN),
        ("PATCH", "/v2/api/anything", Access.ADMIN),
        ("GET", "/anything", Access.READ),
        ("OPTIONS", "/v2/api/jobs", None),
        ("GET", "/readyz", None),
        ("GET", "/metrics", None),
    ],
)
def test_each_route_asks_for_its_scope(method: str, path: str, access: Access | None) -> None:
    assert needed(method, path) == access


def test_the_greatest_scope_counts_and_strange_ones_do_not() -> None:
    assert granted(["read", "openid", "admin"]) is Access.ADMIN
    assert granted(["openid"]) is None


def line(name: str, scope: str, token: str) -> str:
    return f"{name} {scope} {hashlib.sha256(token.encode()).hexdigest()}\n"


def test_a_token_is_known_by_its_hash() -> None:
    tokens = read_tokens("# who may\n\n" + line("ann", "run", "secret") + line("bob", "read", "other"))
    assert find_token(tokens, "secret") == Caller("ann", Access.RUN)
    assert find_token(tokens, "Secret") is None


@pytest.mark.parametrize("text", ["ann", "ann run abc", "ann all " + "0" * 64, "ann run " + "0" * 63 + "x"])
def test_a_line_that_is_no_token_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="line 2 is no token"):
        read_tokens(f"\n{text}")


async def test_a_token_file_counts_as_it_is_now_and_a_broken_one_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(line("ann", "run", "secret"))
    tokens = TokenFile(file)
    assert await tokens.find("secret") == Caller("ann", Access.RUN)
    file.write_text(line("ann", "admin", "another one"))
    assert await tokens.find("secret") is None
    assert await tokens.find("another one") == Caller("ann", Access.ADMIN)
    file.write_text("broken")
    assert await tokens.find("another one") == Caller("ann", Access.ADMIN)


def test_a_client_may_ask_at_its_rate_with_a_burst() -> None:
    rates = Rates(2.0)
    assert [rates.wait("a", 0.0) for _ in range(4)] == [0.0] * 4
    assert rates.wait("a", 0.0) == 0.5
    assert rates.wait("b", 0.0) == 0.0
    assert rates.wait("a", 0.5) == 0.0
    assert rates.wait("a", 0.5) == 0.5


def test_clients_are_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mist_gateway.auth.middleware.MAX_CLIENTS", 2)
    rates = Rates(0.5)
    assert rates.wait("a", 0.0) == 0.0
    assert rates.wait("a", 0.0) > 0
    for other in ("b", "c"):
        rates.wait(other, 0.0)
    assert rates.wait("a", 0.0) == 0.0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "mist.example", "::"])
def test_nobody_listens_wider_than_this_machine_without_tokens(host: str) -> None:
    with pytest.raises(SystemExit, match=r"MIST_TOKENS_FILE or MIST_JWKS"):
        refuse_open_door(GatewaySettings(http_host=host))
    refuse_open_door(GatewaySettings(http_host=host, allow_anonymous=True))
    refuse_open_door(GatewaySettings(http_host=host, jwks="keys.json"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_needs_no_token(host: str) -> None:
    refuse_open_door(GatewaySettings(http_host=host))
