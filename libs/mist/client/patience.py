"""When to send a call again, and to whom. Knows no clock of its own and opens nothing."""

from dataclasses import dataclass

import httpx

from mist.client.errors import UnreachableError

AGAIN = frozenset({429, 502, 503})
LONGEST_WAIT = 5.0
FIRST_WAIT = 0.1

Outcome = httpx.Response | httpx.TransportError


@dataclass(slots=True)
class RetryPolicy:
    """The tries of one call. `urls`: gateways, of which any answers alike; `seconds`: how long it tries; times are seconds."""

    urls: tuple[str, ...]
    seconds: float
    began: float
    tries: int = 0

    @property
    def url(self) -> str:
        return self.urls[self.tries % len(self.urls)]

    def wait_after(self, outcome: Outcome, now: float, *, repeatable: bool) -> float | None:
        """Seconds until the next try; `None` when the outcome is the answer. Raises `UnreachableError`."""
        if isinstance(outcome, httpx.Response) and outcome.status_code not in AGAIN:
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
