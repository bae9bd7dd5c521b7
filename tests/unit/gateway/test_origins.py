"""Every answer carries CORS and security headers; pages of other origins get none."""

import httpx
import pytest

from support.door import FakeGateway

PREFLIGHT = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "x-mine"}


@pytest.mark.parametrize("path", ["/livez", "/v2/api/jobs", "/v2/api/nothing", "/v2/api/jobs?limit=x"])
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://ui.example"}])
async def test_every_answer_is_open_to_all_origins_by_default(path: str, headers: dict[str, str]) -> None:
    async with FakeGateway().client() as http:
        answer = await http.get(path, headers=headers)
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["access-control-expose-headers"] == "Idempotency-Key, Retry-After"
    assert (answer.headers["x-content-type-options"], answer.headers["x-frame-options"]) == ("nosniff", "DENY")
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_refusal_by_the_guard_carries_the_headers_too() -> None:
    """A page can read why it gets 401 or 429."""
    async with FakeGateway(rate_limit=1, cors_origins="https://ui.example").client() as http:
        answers = [await http.get("/v2/api/jobs", headers={"Origin": "https://ui.example"}) for _ in range(5)]
    refused = answers[-1]
    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert refused.headers["access-control-allow-origin"] == "https://ui.example"
    assert refused.headers["vary"] == "Origin"
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


async def test_a_preflight_is_answered_for_known_origins_only() -> None:
    async with FakeGateway(cors_origins="https://ui.example, https://b.example").client() as http:
        known = await http.options("/v2/api/jobs", headers=PREFLIGHT | {"Origin": "https://b.example"})
        other = await http.options("/v2/api/jobs", headers=PREFLIGHT | {"Origin": "https://evil.example"})
        simple = await http.options("/v2/api/jobs", headers={"Access-Control-Request-Headers": "x-mine"})
    assert known.status_code == simple.status_code == httpx.codes.OK
    assert known.headers["access-control-allow-origin"] == "https://b.example"
    assert "DELETE" in known.headers["access-control-allow-methods"]
    for answer in (known, simple):
        assert answer.headers["access-control-allow-headers"] == "x-mine"
    assert other.status_code == httpx.codes.BAD_REQUEST
    assert "access-control-allow-origin" not in other.headers
