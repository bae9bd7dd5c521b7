"""Lifecycle events as clients see them, made from accepted transitions, never from record types."""

import json
from typing import Any

from mist_domain.facts.job_events import JobAttemptLost, JobEvent, JobFailed, JobFinished, JobInitialized, JobStarted
from mist_domain.job import Status

Announcement = dict[str, Any]


def announce(event: JobEvent, status: Status, at: int, *, first: bool = True) -> Announcement | None:
    """Make the client event, without its cursor, for a record that led to `status`; `None` when clients see none.

    `first` is false when the job has been in that status before: a retry's `queued` is a later phase.
    """
    match status:
        case Status.INITIALIZED if isinstance(event, JobInitialized):
            return _initialized(event, at)
        case Status.STARTED if isinstance(event, JobStarted):
            return {"event": "started", "id": event.job_id, "workerId": event.worker_id, "time": at}
        case Status.FINISHED if isinstance(event, JobFinished):
            return {"event": "finished", "id": event.job_id, "result": json.loads(event.result), "time": at}
        case Status.FAILED:
            return {"event": "failed", "id": event.job_id, "error": _error(event), "time": at}
        case Status.CANCELED:
            return {"event": "canceled", "id": event.job_id, "time": at}
        case Status.QUEUED if first:
            return {"event": "queued", "id": event.job_id, "time": at}
        case _:
            return None


def announce_phase(event: JobEvent, status: Status, at: int) -> Announcement | None:
    """The later phases, told only to those who ask for `phases=all`."""
    match status:
        case Status.ASSIGNED:
            return {"event": "worker-assigned", "id": event.job_id, "time": at}
        case Status.CANCELLING:
            return {"event": "cancelling", "id": event.job_id, "time": at}
        case Status.QUEUED if isinstance(event, JobAttemptLost):
            return {"event": "queued", "id": event.job_id, "attempt": event.attempt + 1, "time": at}
        case _:
            return None


def _initialized(event: JobInitialized, at: int) -> Announcement:
    told: Announcement = {
        "event": "initialized",
        "id": event.job_id,
        "params": {
            "filePath": event.endpoint.path,
            "className": event.endpoint.class_name,
            "arguments": json.loads(event.parameters),
            "action": "execute",
        },
        "endpoint": event.endpoint.name,
        "context": event.context.name,
    }
    if event.external_id is not None:
        told["externalId"] = event.external_id
    told["time"] = at
    return told


def _error(event: JobEvent) -> str:
    match event:
        case JobFailed():
            return event.error
        case JobAttemptLost():
            return event.reason
        case _:
            raise AssertionError(f"{type(event).__name__} does not fail a job")
