"""What /docs says of the answers: schemas with examples. Nothing is validated against them at run time."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

JOB_ID = "0b6c7d1e-9a7e-5f0e-8d2c-3f1f0f6d2a11"
STATUS = Literal["initialized", "queued", "started", "finished", "canceled", "failed"]
_NUMBERS = {"type": "MList", "args": [{"type": "MInt"}]}
_JOB: dict[str, Any] = {
    "jobId": JOB_ID,
    "endpoint": "simple-context",
    "function": "simple-context",
    "params": {
        "filePath": "file:///srv/mist/simple_context.py",
        "className": "simple_context",
        "arguments": {"numbers": [1, 2, 3]},
        "action": "execute",
    },
    "context": "default",
    "mode": "shared",
    "source": "Http",
    "status": "finished",
    "createTime": 1_760_000_000_000,
    "startTime": 1_760_000_000_012,
    "endTime": 1_760_000_000_141,
    "workerId": "default",
    "jobResult": {"result": [2, 4, 6]},
}


def _example(value: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]})


class Error(BaseModel):
    """Every error looks like this."""

    model_config = _example({"error": "unknown_endpoint", "message": "There is no endpoint 'a'; GET … lists them."})
    error: str = Field(description="A stable code.")
    message: str = Field(description="What was wrong and what to do.")
    id: str | None = Field(None, description="The job's id, where one is known.")


class Started(BaseModel):
    model_config = _example({"id": JOB_ID})
    id: str = Field(description="The job's id. The same Idempotency-Key gives the same id.")


class Outcome(BaseModel):
    """The answer with force=true, once the job is over. A job that failed is answered with 200 too."""

    model_config = _example({"success": True, "payload": {"result": [2, 4, 6]}, "errors": []})
    success: bool
    payload: dict[str, Any]
    errors: list[str]


class Invocation(BaseModel):
    filePath: str  # noqa: N815
    className: str  # noqa: N815
    arguments: dict[str, Any]
    action: Literal["execute"]


class JobDocument(BaseModel):
    """A job. Times are epoch milliseconds; what is absent is left out."""

    model_config = _example(_JOB)
    jobId: str  # noqa: N815
    endpoint: str
    function: str = Field(description="The same as endpoint, for later clients.")
    params: Invocation
    context: str
    mode: Literal["shared", "exclusive"]
    externalId: str | None = None  # noqa: N815
    source: Literal["Http", "Async Kafka", "Async Mqtt"]
    status: STATUS
    createTime: int  # noqa: N815
    startTime: int | None = None  # noqa: N815
    endTime: int | None = None  # noqa: N815
    workerId: str | None = None  # noqa: N815
    jobResult: Any = Field(None, description="The result object of a finished job, the error text of a failed one.")  # noqa: N815


class JobPage(BaseModel):
    """With paginate=true."""

    model_config = _example({"jobs": [_JOB], "total": 1})
    jobs: list[JobDocument]
    total: int = Field(description="How many jobs match, exactly.")


class FactDocument(BaseModel):
    """One record of a job's life."""

    model_config = _example(
        {"event": "JobStarted", "time": 1_760_000_000_012, "offset": 17, "accepted": True, "status": "started",
         "writer": "laptop-5f3a", "attempt": 1, "workerId": "default"}
    )  # fmt: skip
    event: str = Field(description="The kind of the record.")
    time: int = Field(description="When the broker took it.")
    offset: int = Field(description="Its place in its partition of mist.job-events.")
    accepted: bool = Field(description="False when it came late, twice or too late: it changed nothing.")
    status: str | None = Field(None, description="The state it led to, in full: assigned and cancelling too.")
    writer: str = Field(description="The scheduler or host that said it.")


class EndpointDocument(BaseModel):
    """What can be started. `execute` names the arguments and their types."""

    model_config = _example(
        {"name": "simple-context", "lang": "python", "path": "file:///srv/mist/simple_context.py",
         "className": "simple_context", "defaultContext": "default", "tags": [],
         "execute": {"numbers": _NUMBERS, "multiplier": {"type": "MOption", "args": [{"type": "MInt"}]}}}
    )  # fmt: skip
    name: str
    lang: Literal["python", "java", "scala", "sql"]
    path: str
    className: str  # noqa: N815
    defaultContext: str  # noqa: N815
    tags: list[str]
    execute: dict[str, Any]
    problem: str | None = Field(None, description="Why its artifact cannot be read, when it cannot.")


class ContextDocument(BaseModel):
    """A named group of Spark settings."""

    model_config = _example(
        {"name": "default", "sparkConf": {"spark.master": "local[2]"}, "downtime": "3600s", "maxJobs": 20,
         "precreated": False, "runOptions": "", "workerMode": "shared", "streamingDuration": "1s"}
    )  # fmt: skip
    name: str
    sparkConf: dict[str, str]  # noqa: N815
    downtime: str
    maxJobs: int  # noqa: N815
    precreated: bool
    runOptions: str  # noqa: N815
    workerMode: Literal["shared", "exclusive"]  # noqa: N815
    streamingDuration: str  # noqa: N815


class WorkerLink(BaseModel):
    model_config = _example({"name": "default", "address": "127.0.0.1", "sparkUi": "http://127.0.0.1:4040"})
    name: str
    address: str
    sparkUi: str | None = None  # noqa: N815


class WorkerDocument(WorkerLink):
    """A worker, and what more is known of it."""

    model_config = _example(
        {"name": "default", "address": "127.0.0.1", "context": "default", "mode": "shared", "state": "idle",
         "host": "laptop-5f3a"}
    )  # fmt: skip
    context: str
    mode: Literal["shared", "exclusive"]
    state: str
    host: str


class JavaVersion(BaseModel):
    runtimeVersion: str  # noqa: N815
    vmVendor: str  # noqa: N815


class MistStatus(BaseModel):
    model_config = _example(
        {"mistVersion": "0.1.0", "sparkVersion": "4.3.0", "started": 1_760_000_000_000,
         "javaVersion": {"runtimeVersion": "17.0.12", "vmVendor": "Debian"}, "hosts": 1,
         "jobs": {"initialized": 0, "queued": 0, "started": 1, "finished": 7, "canceled": 0, "failed": 2},
         "cursor": "AAAAAAAAABA"}
    )  # fmt: skip
    mistVersion: str  # noqa: N815
    sparkVersion: str  # noqa: N815
    started: int
    javaVersion: JavaVersion  # noqa: N815
    hosts: int
    jobs: dict[str, int]
    cursor: str
