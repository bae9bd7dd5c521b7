"""Totals over all ended jobs, the same on every replica since they are folded from the log. No Prometheus here."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from mist_domain.job import Job

BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
"""Upper bounds of the buckets, in seconds; a last bucket has none."""

MAX_LABELS = 1_000
OTHER = "(other)"

Labels = tuple[str, str, str, str]
"""Endpoint, context, mode, outcome."""


class Times:
    """Durations, counted by bucket."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def buckets(self) -> Iterator[tuple[str, int]]:
        """List each upper bound with the number of durations up to it."""
        total = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._counts, strict=True):
            total += count
            yield bound, total


class Totals:
    """Outcomes by labels, and the times that jobs waited and ran. At most `MAX_LABELS` label sets, then `OTHER`."""

    def __init__(self) -> None:
        self.outcomes: Counter[Labels] = Counter()
        self.waited = Times()
        self.ran = Times()

    def add(self, job: Job) -> None:
        """Add a job that has ended."""
        request = job.request
        labels = (request.endpoint.name, request.context.name, request.mode, job.status.word)
        if labels not in self.outcomes and len(self.outcomes) >= MAX_LABELS:
            labels = (OTHER, OTHER, request.mode, job.status.word)
        self.outcomes[labels] += 1
        if job.started_at:
            self.waited.add((job.started_at - job.created_at) / 1000)
            self.ran.add((job.ended_at - job.started_at) / 1000)
