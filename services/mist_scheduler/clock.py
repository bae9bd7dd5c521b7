"""Pace of the active scheduler's ticks: one outstanding, the next a pause after the last was read back."""


class TickClock:
    """Local monotonic seconds decide only when a tick is sent, never what it means."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._due: float | None = 0.0

    def begin(self, now: float) -> None:
        """This scheduler became the active one: whatever was outstanding is forgotten."""
        self._due = now

    def read_back(self, now: float) -> None:
        self._due = now + self._pause

    def take(self, now: float) -> bool:
        """True when a tick is due now; it is then outstanding."""
        if self._due is None or now < self._due:
            return False
        self._due = None
        return True

    def wait(self, now: float, longest: float) -> float:
        """Seconds until the next tick is due, `longest` at most."""
        return longest if self._due is None else min(longest, max(0.0, self._due - now))
