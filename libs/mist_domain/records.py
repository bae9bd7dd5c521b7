"""Every record that is written to the log; each has a schema of the same name in `schemas/`."""

from mist_domain.events import (
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
from mist_domain.hosts import HostState, Tick
from mist_domain.logs import LogLines
from mist_domain.registry import (
    ArtifactRemoved,
    ArtifactStored,
    ContextDefined,
    ContextRemoved,
    EndpointDefined,
    EndpointRemoved,
)
from mist_domain.requests import CancelRequest, PrepareWorkerRequest, StartRequest, StopWorkerRequest

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
