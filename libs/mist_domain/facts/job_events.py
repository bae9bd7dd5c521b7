"""The facts of a job's life, as they stand on `mist.job-events`. Past tense, never refused, never changed.

`writer` names the scheduler or host that appended the fact. A host's facts carry the `attempt` they belong to; a
scheduler's carry `version`, the number of events the job had accepted when it was decided. Times of facts are the
broker's append times and stand on the record, not in it.
"""

from dataclasses import dataclass

from mist_domain.facts.registry import Context, Endpoint, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInitialized:
    """A start request became a job. Carries everything that is needed to run it; nobody has to ask the registry.

    `parameters` is JSON text; `requested_at` (ms), `request_partition` and `request_offset` name the request's record.
    """

    job_id: str
    writer: str
    endpoint: Endpoint
    context: Context
    mode: Mode
    parameters: str
    request_id: str
    request_hash: str
    source: str
    external_id: str | None = None
    worker_id_prefix: str | None = None
    retries: int = 0
    start_timeout: int | None = None
    perform_timeout: int | None = None
    priority: int = 0
    requested_at: int
    request_partition: int
    request_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued:
    job_id: str
    writer: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAssigned:
    """The scheduler gave the attempt to a host (never to a worker)."""

    job_id: str
    writer: str
    version: int
    attempt: int
    host_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    job_id: str
    writer: str
    attempt: int
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished:
    """`result` is the JSON text of the job's result object."""

    job_id: str
    writer: str
    attempt: int
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed:
    """From a scheduler (`version`) before an attempt was given out, from a host (`attempt`) after it started."""

    job_id: str
    writer: str
    version: int | None = None
    attempt: int | None = None
    error: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelRequested:
    """Legal whenever the job is not final; carries neither version nor attempt, so nothing can overtake it."""

    job_id: str
    writer: str
    requested_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCanceled:
    job_id: str
    writer: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAttemptLost:
    """An attempt ended without an outcome. From a host with `attempt` alone, from a scheduler with `version` too.

    `failed_driver` names the driver (unique for ever) when the attempt was lost because that could not start.
    """

    job_id: str
    writer: str
    version: int | None = None
    attempt: int
    reason: str
    detail: str | None = None
    failed_driver: str | None = None


JobEvent = (
    JobInitialized
    | JobQueued
    | JobAssigned
    | JobStarted
    | JobFinished
    | JobFailed
    | JobCancelRequested
    | JobCanceled
    | JobAttemptLost
)
