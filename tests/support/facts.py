"""Facts and requests for tests: every field that a test does not care about has a value."""

from typing import Any

from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import (
    JobAssigned,
    JobAttemptLost,
    JobCanceled,
    JobCancelRequested,
    JobEvent,
    JobFailed,
    JobFinished,
    JobInitialized,
    JobQueued,
    JobStarted,
)
from mist_domain.facts.registry import Context, ContextDefined, Endpoint, EndpointDefined
from mist_domain.facts.requests import Origin, StartRequest
from mist_domain.scheduling.cluster import NO_CHANGES, Changes, Cluster, merged
from mist_domain.scheduling.jobs import Decision
from mist_domain.scheduling.plan import joined, plan

JOB = "job-1"
HOST = "host-1"
SCHEDULER = "scheduler-1"


def initialized(job_id: str = JOB, **changes: Any) -> JobInitialized:
    fields: dict[str, Any] = {
        "job_id": job_id,
        "writer": SCHEDULER,
        "endpoint": Endpoint(name="e", path="file:///e.py", class_name="e"),
        "context": Context(name="default"),
        "mode": "shared",
        "parameters": "{}",
        "request_id": "r",
        "request_hash": "h",
        "source": "Http",
        "requested_at": 0,
        "request_partition": 0,
        "request_offset": 0,
    }
    return JobInitialized(**(fields | changes))


def queued(version: int = 1, job_id: str = JOB) -> JobQueued:
    return JobQueued(job_id=job_id, writer=SCHEDULER, version=version)


def assigned(version: int = 2, attempt: int = 1, host: str = HOST, job_id: str = JOB) -> JobAssigned:
    return JobAssigned(job_id=job_id, writer=SCHEDULER, version=version, attempt=attempt, host_id=host)


def started(attempt: int = 1, host: str = HOST, job_id: str = JOB) -> JobStarted:
    return JobStarted(job_id=job_id, writer=host, attempt=attempt, worker_id="default")


def finished(attempt: int = 1, host: str = HOST, job_id: str = JOB) -> JobFinished:
    return JobFinished(job_id=job_id, writer=host, attempt=attempt, result="{}")


def failed(attempt: int = 1, host: str = HOST, job_id: str = JOB) -> JobFailed:
    return JobFailed(job_id=job_id, writer=host, attempt=attempt, error="ValueError: no")


def refused(version: int = 1, job_id: str = JOB) -> JobFailed:
    return JobFailed(job_id=job_id, writer=SCHEDULER, version=version, error="bad parameters")


def cancel_requested(job_id: str = JOB) -> JobCancelRequested:
    return JobCancelRequested(job_id=job_id, writer=SCHEDULER, requested_by="user", reason="asked")


def canceled(attempt: int = 1, host: str = HOST, job_id: str = JOB) -> JobCanceled:
    return JobCanceled(job_id=job_id, writer=host, attempt=attempt)


def lost_by_host(attempt: int = 1, host: str = HOST, job_id: str = JOB) -> JobAttemptLost:
    return JobAttemptLost(job_id=job_id, writer=host, attempt=attempt, reason="the driver died")


def lost_by_scheduler(version: int, attempt: int = 1, job_id: str = JOB) -> JobAttemptLost:
    return JobAttemptLost(job_id=job_id, writer=SCHEDULER, version=version, attempt=attempt, reason="host lost")


def host_state(host: str = HOST, **changes: Any) -> HostState:
    fields: dict[str, Any] = {"host_id": host, "name": host, "address": "", "slots": 100, "max_workers": 8}
    return HostState(**(fields | {"spark_version": "4"} | changes))


def start(request_id: str = "r", endpoint: str = "e", **changes: Any) -> StartRequest:
    return StartRequest(**({"request_id": request_id, "endpoint": endpoint, "source": "Http"} | changes))


def origin(offset: int = 0) -> Origin:
    return Origin(topic="mist.requests", partition=0, offset=offset, time=1_000 + offset)


class Bench:
    """One scheduler's cluster and its log, for given / when / then: `append` writes and reads back."""

    def __init__(self, *contexts: Context, hosts: tuple[str, ...] = (HOST,), endpoint: Endpoint | None = None) -> None:
        self.cluster = Cluster(SCHEDULER)
        self.changes = NO_CHANGES
        self.offset = 0
        self.time = 1_000
        defined = endpoint or Endpoint(name="e", path="file:///e.py", class_name="e")
        self.cluster.fold_registry(EndpointDefined(endpoint=defined), 0, 0)
        for context in contexts:
            self.cluster.fold_registry(ContextDefined(context=context), 1, 0)
        self.tick()
        for host in hosts:
            self.hear(host_state(host))

    def note(self, changes: Changes) -> None:
        self.changes = merged([self.changes, changes])

    def hear(self, state: HostState, *, live: bool = True) -> None:
        self.note(self.cluster.fold_host(state, self.time, live=live))

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.time += 1_000
            self.note(self.cluster.fold_host(Tick(scheduler_id=SCHEDULER), self.time, live=True))

    def append(self, *events: JobEvent) -> None:
        for event in events:
            self.note(self.cluster.fold_job(event, self.time, 0, self.offset))
            self.offset += 1

    def plan(self, *arrivals: Decision) -> list[Decision]:
        """The plan's decisions joined to `arrivals` (applied already), and applied, as the scheduler's step does."""
        changes, self.changes = self.changes, NO_CHANGES
        planned = plan(self.cluster, arrivals, ticked=changes.ticked)
        for decision in planned:
            self.cluster.apply(decision)
        return joined(arrivals, planned)
