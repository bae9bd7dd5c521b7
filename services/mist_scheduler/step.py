"""One step of the scheduler as values: what was read goes in, what is to be appended comes out. No I/O."""

from dataclasses import dataclass, field

from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.scheduling.cluster import Cluster, Decision
from mist_domain.scheduling.decide import Refused, Settled, Waits, decide
from mist_domain.scheduling.plan import plan
from mist_domain.scheduling.spares import preparations
from mist_scheduler.intake import Intake, Pending


@dataclass(frozen=True, slots=True)
class Step:
    """Decisions to append, in order; requests of which no job comes, with the reason; what to ask of hosts."""

    decisions: list[Decision] = field(default_factory=list)
    refused: list[tuple[Pending, str]] = field(default_factory=list)
    preparations: list[PrepareWorkerRequest] = field(default_factory=list)


def step(cluster: Cluster, intake: Intake) -> Step:
    """Decide all that can be decided now. What is appended is counted as in flight until it is read back."""
    intake.wake(cluster.settled)
    if cluster.registry_moved:
        intake.wake([None])
    arrivals: list[Decision] = []
    refused: list[tuple[Pending, str]] = []
    for pending in intake.drain():
        _decide_one(cluster, intake, pending, arrivals, refused)
    asked = preparations(cluster) if cluster.ticked else []
    return Step(plan(cluster, arrivals), refused, asked)


def _decide_one(
    cluster: Cluster,
    intake: Intake,
    pending: Pending,
    arrivals: list[Decision],
    refused: list[tuple[Pending, str]],
) -> None:
    verdict = decide(cluster, pending.request, pending.origin)
    match verdict:
        case Decision():
            cluster.begin(verdict)
            arrivals.append(verdict)
            intake.park(pending, verdict.job_id)
        case Waits():
            intake.park(pending, verdict.job_id)
        case Settled():
            intake.settle(pending.origin)
        case Refused():
            refused.append((pending, verdict.reason))
