"""Metrics of a scheduler."""

from collections.abc import Iterator

from mist_runtime.metrics import Figure, lag_figures
from mist_scheduler.service import Scheduler


def figures_of(scheduler: Scheduler) -> Iterator[Figure]:
    """Read all metrics of one scheduler."""
    yield Figure("mist_scheduler_active", "1 for the active scheduler, 0 for a standby.", scheduler.active)
    yield Figure("mist_scheduler_jobs", "Jobs that have not ended.", len(scheduler.cluster.jobs.open))
    yield Figure(
        "mist_scheduler_hosts", "Hosts that were seen, lost ones included.", len(scheduler.cluster.hosts.views)
    )
    yield Figure("mist_scheduler_requests", "Requests read whose effect the log does not show.", len(scheduler.intake))
    yield from lag_figures(scheduler.lag())
