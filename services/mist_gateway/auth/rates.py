"""How often one client may ask: a bucket that fills steadily and holds a burst. Knows no clock of its own."""

from collections import OrderedDict

MOST_CLIENTS = 10_000
BURST_SECONDS = 2.0


class Rates:
    """`rate` requests a second for each client, twice as many at once; the clients heard last are remembered."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate * BURST_SECONDS)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str, now: float) -> float:
        """0 if the client may ask now, and has; else seconds until it may."""
        level, at = self._buckets.pop(client, (self._most, now))
        level = min(self._most, level + (now - at) * self._rate)
        allowed = level >= 1.0
        self._buckets[client] = (level - 1.0 if allowed else level, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - level) / self._rate
