"""The retries of a call: when the next try is due, and at which gateway. No clock, no I/O."""

from dataclasses import dataclass

import httpx

from mist.client.errors import UnreachableError

RETRIED_STATUSES = frozenset({429, 502, 503})
MAX_WAIT = 5.0
FIRST_WAIT = 0.1

Outcome = httpx.Response | httpx.TransportError


@dataclass(slots=True)
class RetryPolicy:
    """Retries of one call. `urls`: gateways, any of which answers; `seconds`: how long to go on; times are seconds."""

    urls: tuple[str, ...]
    seconds: float
    began: float
    tries: int = 0

    @property
    def url(self) -> str:
        return self.urls[self.tries % len(self.urls)]

    def wait_after(self, outcome: Outcome, now: float, *, repeatable: bool) -> float | None:
        """Seconds until the next try; `None` when the outcome is the answer. Raises `UnreachableError`."""
        if isinstance(outcome, httpx.Response) and outcome.status_code not in RETRIED_STATUSES:
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
        retry_after = outcome.headers.get("retry-after", "") if isinstance(outcome, httpx.Response) else ""
        if retry_after.isdigit():
            return float(retry_after)
        round_of_all = self.tries // len(self.urls)
        return float(min(FIRST_WAIT * 2**round_of_all, MAX_WAIT))
