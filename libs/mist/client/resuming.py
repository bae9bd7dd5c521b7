"""Calls that are sent again and a feed that is resumed: decisions only, without a clock and without I/O."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, urlencode

import httpx

from mist.client.documents import FINAL, Event
from mist.client.errors import NotFoundError, RefusedError, UnauthorizedError, UnreachableError

RETRIED = frozenset({429, 502, 503})
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
KEEP_ALIVE = "keep-alive"
_FINAL_CODES = {4400: RefusedError, 4401: UnauthorizedError, 4403: UnauthorizedError, 4404: NotFoundError}

Outcome = httpx.Response | httpx.TransportError


@dataclass(slots=True)
class RetryPolicy:
    """The tries of one call. `urls`: equivalent gateways; `seconds`: the limit for all tries; `began`: a clock's seconds."""

    urls: tuple[str, ...]
    seconds: float
    began: float
    tries: int = 0

    @property
    def url(self) -> str:
        return self.urls[self.tries % len(self.urls)]

    def wait_after(self, outcome: Outcome, now: float, *, repeatable: bool) -> float | None:
        """Seconds until the next try; `None` when the outcome is the answer. Raises `UnreachableError`."""
        if isinstance(outcome, httpx.Response) and outcome.status_code not in RETRIED:
            return None
        wait = self._wait(outcome)
        if now + wait > self.began + self.seconds or not self._may_repeat(outcome, repeatable=repeatable):
            if isinstance(outcome, httpx.Response):
                return None
            raise UnreachableError(
                f"{self.url} cannot be reached: {str(outcome) or type(outcome).__name__}"
            ) from outcome
        self.tries += 1
        return wait

    def _may_repeat(self, outcome: Outcome, *, repeatable: bool) -> bool:
        never_served = isinstance(outcome, httpx.ConnectError) or (
            isinstance(outcome, httpx.Response) and outcome.status_code == httpx.codes.TOO_MANY_REQUESTS
        )
        return repeatable or never_served

    def _wait(self, outcome: Outcome) -> float:
        asked = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
        if asked.isdigit():
            return float(asked)
        round_of_all = self.tries // len(self.urls)
        return float(min(FIRST_WAIT * 2**round_of_all, LONGEST_WAIT))


@dataclass(slots=True)
class Feed:
    """Events over many connections. `since` is the cursor of the last event: the next connection resumes after it."""

    job_id: str | None = None
    since: str | None = None
    phases: bool = False
    logs: bool = False
    _ended: bool = False

    def ended(self) -> bool:
        """True when the job that is followed is final."""
        return self._ended

    def url(self, base: str) -> str:
        """The WebSocket address of the next connection to the gateway at `base`."""
        path = "/jobs/ws" if self.job_id is None else f"/jobs/{quote(self.job_id, safe='')}/ws"
        query = {"since": self.since or ("start" if self.job_id else None)}
        query |= {"phases": "all" if self.phases else None, "withLogs": "true" if self.logs else None}
        present = urlencode({name: value for name, value in query.items() if value is not None})
        return f"{base.replace('http', 'ws', 1)}/v2/api{path}" + (f"?{present}" if present else "")

    def read(self, frame: str | bytes) -> Event | None:
        """The event of a frame; `None` for a keep-alive. The end of the job that is followed ends the feed."""
        event = cast("Event", json.loads(frame))
        if event["event"] == KEEP_ALIVE:
            return None
        self.since = event.get("cursor", self.since)
        self._ended = self.job_id is not None and event["event"] in FINAL
        return event

    def closed(self, code: int, reason: str) -> None:
        """Return when a closed connection may be opened again. Raises `RefusedError` when it may not."""
        if code in _FINAL_CODES:
            raise _FINAL_CODES[code](code - 4000, "feed", reason)

    def refused(self, status: int, headers: Mapping[str, str]) -> None:
        """Return when a connection refused by HTTP status may be tried again. Raises `UnauthorizedError`."""
        if status in {401, 403}:
            raise UnauthorizedError(status, "feed", headers.get("www-authenticate", "a token is needed"))
