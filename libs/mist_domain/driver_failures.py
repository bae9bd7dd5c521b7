"""Drivers of one context that died before they could take a job: five in a row and the context is broken.

Only append times are compared, so that the order in which partitions are replayed makes no difference.
"""

from dataclasses import dataclass, field

BROKEN_AFTER = 5


@dataclass(slots=True, eq=False)
class DriverFailures:
    """`failed`: driver → when it failed (ms), since a job of the context last started or its settings changed."""

    failed: dict[str, int] = field(default_factory=dict)
    well_at: int = -1
    reason: str = ""

    @property
    def broken(self) -> bool:
        return len(self.failed) >= BROKEN_AFTER

    def add(self, driver: str, at: int, reason: str) -> None:
        """A driver failed to start; the jobs that waited in it say so one by one, and it counts once."""
        if at > self.well_at:
            self.failed.setdefault(driver, at)
            self.reason = reason

    def clear(self, at: int) -> None:
        """At `at` a job of the context started, or its settings were changed: what failed before says nothing now."""
        self.well_at = max(self.well_at, at)
        self.failed = {driver: failed_at for driver, failed_at in self.failed.items() if failed_at > self.well_at}

    def sentence(self, context: str) -> str:
        return (
            f"context {context!r} is broken: its last {len(self.failed)} drivers died at start ({self.reason}); "
            f"jobs of it fail at once until the context is changed"
        )
