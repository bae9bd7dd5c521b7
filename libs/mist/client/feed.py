"""A feed that is followed over many connections: its position, and the meaning of frames and closings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, urlencode

from websockets.asyncio.client import connect as async_connect
from websockets.sync.client import connect as sync_connect

from mist.client.documents import FINAL, Event
from mist.client.errors import NotFoundError, RefusedError, UnauthorizedError

KEEP_ALIVE = "keep-alive"
__all__ = ["FeedPosition", "async_connect", "sync_connect"]

_FINAL_CODES = {4400: RefusedError, 4401: UnauthorizedError, 4403: UnauthorizedError, 4404: NotFoundError}


@dataclass(slots=True)
class FeedPosition:
    """Position in a feed. `since` is the cursor of the last event read; any gateway resumes after it."""

    job_id: str | None = None
    since: str | None = None
    phases: bool = False
    logs: bool = False
    _over: bool = False

    def ended(self) -> bool:
        """True once the job that is followed is over."""
        return self._over

    def url(self, base: str) -> str:
        path = "/jobs/ws" if self.job_id is None else f"/jobs/{quote(self.job_id, safe='')}/ws"
        query = {"since": self.since or ("start" if self.job_id else None)}
        query |= {"phases": "all" if self.phases else None, "withLogs": "true" if self.logs else None}
        given = urlencode({name: value for name, value in query.items() if value is not None})
        return f"{base.replace('http', 'ws', 1)}/v2/api{path}" + (f"?{given}" if given else "")

    def read(self, text: str | bytes) -> Event | None:
        """Read one frame; `None` for a keep-alive. The last event of the job that is followed ends the feed."""
        event = cast("Event", json.loads(text))
        if event["event"] == KEEP_ALIVE:
            return None
        self.since = event.get("cursor", self.since)
        self._over = self.job_id is not None and event["event"] in FINAL
        return event

    def raise_if_final(self, code: int, reason: str) -> None:
        """Raise `RefusedError` for a closing code that another connection cannot mend."""
        if code in _FINAL_CODES:
            raise _FINAL_CODES[code](code - 4000, "feed", reason)

    def raise_if_refused(self, status: int, headers: Mapping[str, str]) -> None:
        """Raise `UnauthorizedError` for a handshake answered with 401 or 403."""
        if status in {401, 403}:
            raise UnauthorizedError(status, "feed", headers.get("www-authenticate", "a token is needed"))
