"""The end of an attempt, as the fact that the host appends, with the sentences it gives as reasons."""

from dataclasses import dataclass

from mist_domain.facts.job_events import JobAttemptLost, JobCanceled, JobFailed, JobFinished
from mist_domain.job import Job, Status
from mist_worker_host.core.stimuli import Report, RunCanceled, RunFailed, RunFinished

MAX_ERROR_BYTES = 64_000
_CUT = " … (cut here)"

HOST_FULL = "host is full"
HOST_STOPPING = "the host is stopping"
HOST_STOPPED = "the host was stopped while the job ran"
WORKER_STOPPED = "worker was stopped"
NOT_STARTED_HERE = "the host did not start this attempt"


def outcome(host_id: str, job: Job, report: Report) -> JobFinished | JobFailed | JobCanceled:
    """The fact for a driver's report on a job that is started or cancelling."""
    match report:
        case RunFinished():
            return JobFinished(job_id=job.job_id, writer=host_id, attempt=job.attempt, result=report.result)
        case RunFailed():
            return failed(host_id, job, report.error, report.detail)
        case RunCanceled() if job.status is Status.CANCELLING:
            return JobCanceled(job_id=job.job_id, writer=host_id, attempt=job.attempt)
        case RunCanceled():
            return failed(host_id, job, "the driver canceled it, though nobody asked for that")


def failed(host_id: str, job: Job, error: str, detail: str | None = None) -> JobFailed:
    return JobFailed(
        job_id=job.job_id, writer=host_id, attempt=job.attempt, error=cut(error), detail=detail and cut(detail)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """The reason why attempts were lost. `lines`: the last that their driver printed. `failed_driver`: one that did not start."""

    reason: str
    lines: tuple[str, ...] = ()
    failed_driver: str | None = None


def lost(host_id: str, job_id: str, attempt: int, loss: Loss) -> JobAttemptLost:
    return JobAttemptLost(
        job_id=job_id,
        writer=host_id,
        attempt=attempt,
        reason=cut(loss.reason),
        detail=last_lines(loss.lines) if loss.lines else None,
        failed_driver=loss.failed_driver,
    )


def cut(text: str) -> str:
    """At most 64 kB of UTF-8, the beginning."""
    if len(text) * 4 <= MAX_ERROR_BYTES:
        return text
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MAX_ERROR_BYTES:
        return encoded.decode()
    return encoded[: MAX_ERROR_BYTES - len(_CUT.encode())].decode("utf-8", "ignore") + _CUT


def last_lines(lines: tuple[str, ...]) -> str:
    """At most 64 kB of UTF-8, the end."""
    encoded = "\n".join(lines).encode("utf-8", "replace")
    return encoded[-MAX_ERROR_BYTES:].decode("utf-8", "ignore")
