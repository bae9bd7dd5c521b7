"""Types of the API's JSON answers. Times are epoch milliseconds; absent fields are left out, not null."""

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["initialized", "queued", "started", "finished", "failed", "canceled"]
FINAL = frozenset({"finished", "failed", "canceled"})


class JobInfo(TypedDict):
    """`jobResult` is the result of a finished job, the error's text of a failed one."""

    jobId: str
    endpoint: str
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
    """`execute` is the signature: argument → type."""

    name: str
    lang: str
    path: str
    className: str
    defaultContext: str
    tags: list[str]
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


class WorkerInfo(TypedDict):
    """A Spark driver that is up."""

    name: str
    address: str
    sparkUi: NotRequired[str]


class Event(TypedDict):
    """A step of a job's life; `cursor` names its place in the log."""

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
    lines: NotRequired[list[Any]]
