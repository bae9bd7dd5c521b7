"""A job as the fold of its facts: the state machine of Mist, and the only place that knows it.

Everything that affects a transition lives here. This file does not know who folds, nor where facts are kept.
Order: statuses, the table, the fold, what clients see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

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

MAX_UNSTARTED_ATTEMPTS = 5


class Status(IntEnum):
    """Status of a job. Final ones are the greatest, so `status >= FINISHED` means that the job has ended."""

    UNKNOWN = 0
    INITIALIZED = 1
    QUEUED = 2
    ASSIGNED = 3
    STARTED = 4
    CANCELLING = 5
    FINISHED = 6
    FAILED = 7
    CANCELED = 8

    @property
    def final(self) -> bool:
        return self >= Status.FINISHED

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class AfterLoss:
    """The two statuses that may follow a lost attempt. `evolve` chooses, so no writer can forget the rule."""

    retry: Status
    give_up: Status


_LOST = AfterLoss(Status.QUEUED, Status.FAILED)

TRANSITIONS: Mapping[Status, Mapping[type[JobEvent], Status | AfterLoss]] = {
    Status.UNKNOWN: {JobInitialized: Status.INITIALIZED},
    Status.INITIALIZED: {
        JobQueued: Status.QUEUED,
        JobFailed: Status.FAILED,
        JobCancelRequested: Status.CANCELED,
    },
    Status.QUEUED: {
        JobAssigned: Status.ASSIGNED,
        JobFailed: Status.FAILED,
        JobCancelRequested: Status.CANCELED,
    },
    Status.ASSIGNED: {
        JobStarted: Status.STARTED,
        JobAttemptLost: _LOST,
        JobCancelRequested: Status.CANCELLING,
    },
    Status.STARTED: {
        JobFinished: Status.FINISHED,
        JobFailed: Status.FAILED,
        JobAttemptLost: _LOST,
        JobCancelRequested: Status.CANCELLING,
    },
    Status.CANCELLING: {
        JobCanceled: Status.CANCELED,
        JobFinished: Status.FINISHED,
        JobFailed: Status.FAILED,
        JobAttemptLost: Status.CANCELED,
    },
    Status.FINISHED: {},
    Status.FAILED: {},
    Status.CANCELED: {},
}


@dataclass(frozen=True, slots=True)
class Job:
    """One job. Times are the broker's append times in ms; `result` is JSON text; `worker_id` is the running attempt's.

    `attempt` is 0 until the job is first queued; `starts` counts attempts that ran, `unstarted` those lost before.
    """

    job_id: str
    status: Status = Status.UNKNOWN
    version: int = 0
    attempt: int = 0
    host_id: str | None = None
    worker_id: str | None = None
    starts: int = 0
    unstarted: int = 0
    initialized: JobInitialized | None = None
    cancel: JobCancelRequested | None = None
    created_at: int = 0
    queued_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    result: str | None = None
    error: str | None = None

    @property
    def request(self) -> JobInitialized:
        """The facts the job began with. Raises `LookupError` for a job that has none."""
        if self.initialized is None:
            raise LookupError(f"job {self.job_id} has not been initialized")
        return self.initialized


def evolve(job: Job, event: JobEvent, at: int) -> Job:
    """Fold one fact, appended at `at` (ms), into the job. Late, repeated and fenced-off facts change nothing."""
    target = TRANSITIONS[job.status].get(type(event))
    if target is None or not _is_current(job, event):
        return job
    if isinstance(target, AfterLoss):
        target = target.retry if has_another_attempt(job) else target.give_up
    return _become(job, target, event, at)


def fold(job_id: str, events: Iterable[tuple[JobEvent, int]]) -> Job:
    """The job after all its facts (with their append times), in the log's order."""
    job = Job(job_id)
    for event, at in events:
        job = evolve(job, event, at)
    return job


def _is_current(job: Job, event: JobEvent) -> bool:
    """True when the writer decided on the job as it is now: a host by attempt, a scheduler by version."""
    match event:
        case JobInitialized() | JobCancelRequested():
            return True
        case JobQueued():
            return event.version == job.version
        case JobAssigned():
            return event.version == job.version and event.attempt == job.attempt
        case JobStarted() | JobFinished() | JobCanceled():
            return event.attempt == job.attempt and event.writer == job.host_id
        case JobFailed():
            if job.status < Status.ASSIGNED:
                return event.version == job.version
            return event.attempt == job.attempt and event.writer == job.host_id
        case JobAttemptLost():
            if event.version is not None:
                return event.version == job.version and event.attempt == job.attempt
            return event.attempt == job.attempt and event.writer == job.host_id


def has_another_attempt(job: Job) -> bool:
    """True when another attempt follows the loss of this one.

    An attempt that never started is tried again up to a limit; one that ran, only if the job allows `retries`.
    """
    if job.status is Status.STARTED:
        return job.starts <= job.request.retries
    return job.unstarted + 1 < MAX_UNSTARTED_ATTEMPTS


def _become(job: Job, target: Status, event: JobEvent, at: int) -> Job:
    version = job.version + 1
    match event:
        case JobInitialized():
            return Job(job.job_id, target, version, initialized=event, created_at=at)
        case JobQueued():
            return replace(job, status=target, version=version, attempt=1, queued_at=at)
        case JobAssigned():
            return replace(job, status=target, version=version, host_id=event.host_id)
        case JobStarted():
            return replace(
                job, status=target, version=version, worker_id=event.worker_id, started_at=at, starts=job.starts + 1
            )
        case JobFinished():
            return replace(job, status=target, version=version, ended_at=at, result=event.result)
        case JobFailed():
            return replace(job, status=target, version=version, ended_at=at, error=event.error)
        case JobCancelRequested():
            ended_at = at if target.final else 0
            return replace(job, status=target, version=version, cancel=event, ended_at=ended_at)
        case JobCanceled():
            return replace(job, status=target, version=version, ended_at=at)
        case JobAttemptLost():
            return _after_loss(job, target, event, at)


def _after_loss(job: Job, target: Status, event: JobAttemptLost, at: int) -> Job:
    version = job.version + 1
    if target.final:
        error = event.reason if target is Status.FAILED else None
        return replace(job, status=target, version=version, ended_at=at, error=error)
    unstarted = job.unstarted + (job.status is Status.ASSIGNED)
    return replace(
        job, status=target, version=version, attempt=job.attempt + 1, host_id=None, worker_id=None,
        queued_at=at, started_at=0, unstarted=unstarted,
    )  # fmt: skip


def shown(job: Job) -> str:
    """The status as clients see it, one of six words."""
    match job.status:
        case Status.ASSIGNED:
            return Status.QUEUED.word
        case Status.CANCELLING:
            return (Status.STARTED if job.worker_id else Status.QUEUED).word
        case _:
            return job.status.word


def worker_id_for(initialized: JobInitialized) -> str:
    """Shared: the context's name. Exclusive: `<context>-[<workerId>-]<jobId>`."""
    context = initialized.context.name
    if initialized.mode == "shared":
        return context
    prefix = f"{initialized.worker_id_prefix}-" if initialized.worker_id_prefix else ""
    return f"{context}-{prefix}{initialized.job_id}"


def state_diagram() -> str:
    """One line per transition, in the order of the table."""
    lines = ["stateDiagram-v2", "    [*] --> initialized: JobInitialized"]
    for status, moves in TRANSITIONS.items():
        if status is Status.UNKNOWN:
            continue
        for event, target in moves.items():
            targets = (target.retry, target.give_up) if isinstance(target, AfterLoss) else (target,)
            lines += [f"    {status.word} --> {one.word}: {event.__name__}" for one in targets]
    lines += [f"    {status.word} --> [*]" for status in Status if status.final]
    return "\n".join(lines)


if __name__ == "__main__":
    print(state_diagram())  # noqa: T201 - a command prints
