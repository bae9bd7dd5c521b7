"""Types of the API's JSON answers. Times are epoch milliseconds; absent fields are left out, not null."""

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["initialized", "queued", "started", "finished", "failed", "canceled"]
FINAL = frozenset({"finished", "failed", "canceled"})


class JobInfo(TypedDict):
    """`jobResult` is the result of a finished job, the error's text of a failed one."""

    jobId: str
    endpoint: str
    function: str
    params: dict[str, Any]
    context: str
    mode: str
    source: str
    status: Status
    createTime: int
    externalId: NotRequired[str]
    startTime: NotRequired[int]
    endTime: NotRequired[int]
    workerId: NotRequired[str]
    jobResult: NotRequired[Any]


class EndpointInfo(TypedDict):
    """`execute` is the signature, argument → type; `problem` the reason when the artifact cannot be read."""

    name: str
    lang: str
    path: str
    className: str
    defaultContext: str
    tags: list[str]
    retries: int
    startTimeout: str
    performTimeout: str
    execute: dict[str, dict[str, Any]]
    problem: NotRequired[str]


class ContextInfo(TypedDict):
    """Durations are text: `"30s"`, `"Inf"`."""

    name: str
    sparkConf: dict[str, str]
    downtime: str
    maxJobs: int
    precreated: bool
    runOptions: str
    workerMode: str
    streamingDuration: str
    spares: int
    startTimeout: str
    performTimeout: str
    maxQueued: int


class WorkerInfo(TypedDict):
    """A Spark driver that is up."""

    name: str
    address: str
    sparkUi: NotRequired[str]


LogEntry = TypedDict("LogEntry", {"from": str, "level": str, "message": str, "timeStamp": int})
"""A line that a job logged. `from` is the job's id, `level` a name of Python's logging."""


class Event(TypedDict):
    """A step of a job's life; `cursor` names its position in the log. `events` are the lines of a `logs` event."""

    event: str
    id: str
    time: NotRequired[int]
    cursor: NotRequired[str]
    endpoint: NotRequired[str]
    context: NotRequired[str]
    externalId: NotRequired[str]
    params: NotRequired[dict[str, Any]]
    workerId: NotRequired[str]
    result: NotRequired[Any]
    error: NotRequired[str]
    attempt: NotRequired[int]
    events: NotRequired[list[LogEntry]]
