"""One step of the scheduler as values: what was read goes in, what is to be appended comes out. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic

from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.scheduling.cluster import Changes, Cluster
from mist_domain.scheduling.decide import Refused, Settled, Waits, decide
from mist_domain.scheduling.jobs import Decision
from mist_domain.scheduling.plan import joined, plan
from mist_domain.scheduling.spares import preparations
from mist_scheduler.intake import Intake, Kept, Pending


@dataclass(frozen=True, slots=True)
class Step(Generic[Kept]):
    """Decisions to append, in order; refused requests with the reason; what to ask of hosts."""

    decisions: list[Decision] = field(default_factory=list)
    refused: list[tuple[Pending[Kept], str]] = field(default_factory=list)
    preparations: list[PrepareWorkerRequest] = field(default_factory=list)


def step(cluster: Cluster, intake: Intake[Kept], changes: Changes) -> Step[Kept]:
    """Decide all that can be decided now, given the news since the last step.

    The decisions are applied to the cluster: they count as in flight until they are read back.
    """
    intake.wake(changes.settled)
    if changes.registry_moved:
        intake.wake([None])
    refused: list[tuple[Pending[Kept], str]] = []
    arrivals = list(_decide_requests(cluster, intake, refused))
    requests = preparations(cluster) if changes.ticked else []
    cluster.apply_preparations(requests)
    planned = plan(cluster, arrivals, ticked=changes.ticked)
    for decision in planned:
        cluster.apply(decision)
    return Step(joined(arrivals, planned), refused, requests)


def _decide_requests(
    cluster: Cluster, intake: Intake[Kept], refused: list[tuple[Pending[Kept], str]]
) -> Iterator[Decision]:
    """Decide each request that is ready.

    A request is decided a second time when its job settles: that decision finds the effect of the first in the fold
    and settles the request, so that it is committed. If the first was not accepted, it is simply decided anew.
    """
    for pending in intake.drain():
        verdict = decide(cluster, pending.request, pending.origin)
        match verdict:
            case Decision():
                cluster.apply(verdict)
                intake.park(pending, verdict.job_id)
                yield verdict
            case Waits():
                intake.park(pending, verdict.job_id)
            case Settled():
                intake.settle(pending.origin)
            case Refused():
                refused.append((pending, verdict.reason))


class TickClock:
    """Pace of the ticks. Local monotonic seconds decide only when a tick is appended, never what it means."""

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self._due: float | None = 0.0

    def restart(self, now: float) -> None:
        """Start again: this scheduler became active, and forgets a tick that was outstanding."""
        self._due = now

    def read_back(self, now: float) -> None:
        """Set the next tick a pause from now: the last one was read back."""
        self._due = now + self._pause

    def is_due(self, now: float) -> bool:
        """True when a tick is due now; it is then outstanding."""
        if self._due is None or now < self._due:
            return False
        self._due = None
        return True

    def wait(self, now: float, limit: float) -> float:
        """Seconds until the next tick is due, `limit` at most."""
        return limit if self._due is None else min(limit, max(0.0, self._due - now))
