"""Every record that is written to the log; each has a schema of the same name in `schemas/`."""

from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import (
    JobAssigned,
    JobAttemptLost,
    JobCanceled,
    JobCancelRequested,
    JobFailed,
    JobFinished,
    JobInitialized,
    JobQueued,
    JobStarted,
)
from mist_domain.facts.logs import LogLines
from mist_domain.facts.registry import (
    ArtifactRemoved,
    ArtifactStored,
    ContextDefined,
    ContextRemoved,
    EndpointDefined,
    EndpointRemoved,
)
from mist_domain.facts.requests import CancelRequest, PrepareWorkerRequest, StartRequest, StopWorkerRequest

RECORDS: tuple[type, ...] = (
    JobInitialized,
    JobQueued,
    JobAssigned,
    JobStarted,
    JobFinished,
    JobFailed,
    JobCancelRequested,
    JobCanceled,
    JobAttemptLost,
    StartRequest,
    CancelRequest,
    StopWorkerRequest,
    PrepareWorkerRequest,
    EndpointDefined,
    EndpointRemoved,
    ContextDefined,
    ContextRemoved,
    ArtifactStored,
    ArtifactRemoved,
    HostState,
    Tick,
    LogLines,
)
