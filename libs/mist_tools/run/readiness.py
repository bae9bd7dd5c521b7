"""Waiting until Mist takes jobs: the gateway is ready and at least one worker host is alive."""

import asyncio

import httpx

from mist_tools.run.errors import CannotRunError
from mist_tools.run.settings import RunSettings

READY_SECONDS = 90.0
PAUSE_SECONDS = 0.1


async def wait_ready(settings: RunSettings) -> None:
    """Return when a job can be started; `CannotRunError` tells what is still missing after `READY_SECONDS`."""
    missing: str | None = "the gateway does not answer"
    try:
        async with asyncio.timeout(READY_SECONDS), http_client(settings) as http:
            while missing := await _missing(http):  # noqa: ASYNC110 (another process has no event to wait for)
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        raise CannotRunError(
            f"Mist is not ready after {READY_SECONDS:.0f} s: {missing}; see the logs in {settings.logs}"
        ) from None


def http_client(settings: RunSettings) -> httpx.AsyncClient:
    """A client of the gateway, whatever proxies the environment names."""
    return httpx.AsyncClient(base_url=f"http://{settings.address}", trust_env=False)


async def _missing(http: httpx.AsyncClient) -> str | None:
    try:
        ready = await http.get("/readyz")
        if ready.status_code != httpx.codes.OK:
            return f"the gateway says {ready.text.strip()!r}"
        status = (await http.get("/v2/api/status")).json()
    except httpx.TransportError:
        return "the gateway does not answer"
    return None if status["hosts"] else "no worker host is alive"
