"""WebSocket clients that are cut every few seconds and go on with their cursor at another gateway."""

import asyncio
import contextlib
import json
import random
from collections.abc import Sequence

import websockets
from websockets.exceptions import WebSocketException

from drill.evidence import Evidence, Told
from drill.rules import FINAL

SHORTEST, LONGEST = 2.0, 8.0
PAUSE_SECONDS = 0.2


class Reader:
    """One client of the feed of all jobs. It hears everything from its first connection on; `over` counts ends."""

    def __init__(self, name: str, gateways: Sequence[str], seen: Evidence) -> None:
        self.cuts = 0
        self.over = 0
        self.connected = asyncio.Event()
        self._gateways = gateways
        self._at = random.randrange(len(gateways))
        self._cursor: str | None = None
        self._heard = seen.feeds.setdefault(name, [])

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                await self._listen_a_while()
            self.cuts += 1
            self._at = (self._at + 1) % len(self._gateways)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen_a_while(self) -> None:
        """Read until the connection breaks, or is cut as by a network that fails: without a word to the other side."""
        since = f"?since={self._cursor}" if self._cursor else ""
        url = f"{self._gateways[self._at].replace('http', 'ws')}/v2/api/jobs/ws{since}"
        socket = await websockets.connect(url, open_timeout=10, max_queue=None)
        try:
            self.connected.set()
            async with asyncio.timeout(random.uniform(SHORTEST, LONGEST) if self._cursor else None):
                async for frame in socket:
                    self._take(json.loads(frame))
        finally:
            socket.transport.abort()

    def _take(self, event: dict[str, object]) -> None:
        if event["event"] != "keep-alive":
            self._heard.append(Told(str(event["id"]), str(event["event"]), int(str(event["time"]))))
            self._cursor = str(event["cursor"])
            self.over += event["event"] in FINAL
