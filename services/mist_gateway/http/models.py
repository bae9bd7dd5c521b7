"""The JSON of the HTTP interface, in and out, and its way from and to the domain's classes.

Aliases are camelCase; what is absent is left out of answers; `null` in a body means absent. Results and arguments
pass through as the JSON text they are, so that no number of theirs changes.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

from mist_domain.facts import hosts, registry
from mist_domain.facts.job_events import JobEvent, JobInitialized
from mist_domain.job import Job, Status, shown
from mist_domain.registry import Registry, find_endpoint
from mist_eventlog import Record
from mist_gateway.projection.entry import Entry, HistoryStep, PendingStart
from mist_gateway.projection.job_index import STATUSES

JOB_ID = "0b6c7d1e-9a7e-5f0e-8d2c-3f1f0f6d2a11"
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
_EVENT: dict[str, Any] = {
    "event": "JobStarted",
    "time": 1_760_000_000_012,
    "offset": 17,
    "accepted": True,
    "status": "started",
    "writer": "laptop-5f3a",
    "attempt": 1,
    "workerId": "default",
}
_WORKER = {"name": "default", "address": "127.0.0.1", "sparkUi": "http://127.0.0.1:4040"}

RawObject = Annotated[Any, WithJsonSchema({"type": "object"})]
"""A JSON object as text, held in an `orjson.Fragment`."""

ModeWord = Annotated[str, WithJsonSchema({"type": "string", "enum": ["shared", "exclusive"]})]
StatusOut = Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATUSES)})]


def shape(example: Any, *, incoming: bool = False) -> ConfigDict:
    """The configuration of a model. An incoming one is filled by its aliases only and refuses all others."""
    return ConfigDict(
        alias_generator=to_camel,
        validate_by_name=not incoming,
        validate_by_alias=True,
        extra="forbid" if incoming else "ignore",
        field_title_generator=lambda name, _: to_camel(name),
        model_title_generator=lambda model: model.__name__.removesuffix("Document"),
        json_schema_extra={"examples": [example]},
    )


def raw_json(text: str) -> Any:
    """JSON text that is sent as it is."""
    return orjson.Fragment(text)


def json_bytes(value: BaseModel | list[Any] | Mapping[str, Any]) -> bytes:
    """Compact JSON of models and of what holds them; absent values are left out."""
    return orjson.dumps(value, default=_dump)


def _dump(value: Any) -> Any:
    return value.model_dump(by_alias=True, exclude_none=True, warnings=False)


class Error(BaseModel):
    """An error; every one looks like this."""

    model_config = shape({"error": "unknown_endpoint", "message": "There is no endpoint 'a'; GET … lists them."})
    error: str = Field(description="A stable code.")
    message: str = Field(description="The reason, and what to do.")
    id: str | None = Field(None, description="The job's id, where one is known.")


class Started(BaseModel):
    """A job that was started."""

    model_config = shape({"id": JOB_ID})
    id: str = Field(description="The job's id. The same Idempotency-Key gives the same id.")


class Outcome(BaseModel):
    """The answer with force=true, once the job is over. A job that failed is answered with 200 too."""

    model_config = shape({"success": True, "payload": {"result": [2, 4, 6]}, "errors": []})
    success: bool
    payload: RawObject
    errors: list[str]

    @classmethod
    def of(cls, job: Job) -> "Outcome":
        if job.status is Status.FINISHED and job.result is not None:
            return cls(success=True, payload=raw_json(job.result), errors=[])
        error = "The job was canceled." if job.status is Status.CANCELED else job.error or "The job failed."
        return cls(success=False, payload={}, errors=[error])


class Invocation(BaseModel):
    """The endpoint's code and the arguments of one job."""

    model_config = shape(_JOB["params"])
    file_path: str
    class_name: str
    arguments: RawObject
    action: Literal["execute"] = "execute"

    @classmethod
    def of(cls, endpoint: registry.Endpoint | None, parameters: str) -> "Invocation":
        path, class_name = (endpoint.path, endpoint.class_name) if endpoint else ("", "")
        return cls(file_path=path, class_name=class_name, arguments=raw_json(parameters))


class JobDocument(BaseModel):
    """A job. Times are epoch milliseconds; what is absent is left out."""

    model_config = shape(_JOB)
    job_id: str
    endpoint: str
    function: str = Field(description="The same as endpoint, for later clients of the original Mist.")
    params: Invocation
    context: str
    mode: ModeWord
    external_id: str | None = None
    source: str = Field(description="The door it came by: Http, Async Kafka or Async Mqtt.")
    status: StatusOut
    create_time: int
    start_time: int | None = None
    end_time: int | None = None
    worker_id: str | None = None
    job_result: Any = Field(None, description="The result object of a finished job, the error text of a failed one.")

    @classmethod
    def of(cls, job: Job) -> "JobDocument":
        request = job.request
        return cls(
            job_id=job.job_id,
            endpoint=request.endpoint.name,
            function=request.endpoint.name,
            params=Invocation.of(request.endpoint, request.parameters),
            context=request.context.name,
            mode=request.mode,
            external_id=request.external_id,
            source=request.source,
            status=shown(job),
            create_time=job.created_at,
            start_time=job.started_at or None,
            end_time=job.ended_at or None,
            worker_id=job.worker_id,
            job_result=_result(job),
        )

    @classmethod
    def of_pending(cls, pending: PendingStart, known: Registry) -> "JobDocument":
        """A request that nobody has decided yet, as the job it will become."""
        request = pending.request
        return cls(
            job_id=pending.job_id,
            endpoint=request.endpoint,
            function=request.endpoint,
            params=Invocation.of(find_endpoint(known, request.endpoint), request.parameters),
            context=pending.context(known),
            mode=pending.mode(known),
            external_id=request.external_id,
            source=request.source,
            status=Status.INITIALIZED.word,
            create_time=pending.created_at,
        )

    @classmethod
    def of_entry(cls, entry: Entry, known: Registry) -> "JobDocument":
        return cls.of_pending(entry, known) if isinstance(entry, PendingStart) else cls.of(entry.job)


def _result(job: Job) -> Any:
    if job.status is Status.FINISHED and job.result is not None:
        return raw_json(job.result)
    return (job.error or "") if job.status is Status.FAILED else None


class JobPage(BaseModel):
    """The answer with paginate=true."""

    model_config = shape({"jobs": [_JOB], "total": 1})
    jobs: list[JobDocument]
    total: int = Field(description="The exact number of jobs that match.")


class EventDocument(BaseModel):
    """One record of a job's life; the fields after `writer` are those of its kind."""

    model_config = shape(_EVENT)
    event: str = Field(description="The kind of the record.")
    time: int = Field(description="The broker's time of the record.")
    offset: int = Field(description="Its offset in its partition of mist.job-events.")
    accepted: bool = Field(description="False for a late, repeated or contradictory record, which changed nothing.")
    status: str | None = Field(None, description="The state it led to, in full: assigned and cancelling too.")
    writer: str = Field(description="The scheduler or host that appended it.")
    version: int | None = None
    attempt: int | None = None
    host_id: str | None = None
    worker_id: str | None = None
    result: RawObject = None
    error: str | None = None
    reason: str | None = None
    detail: str | None = None
    requested_by: str | None = None
    failed_driver: str | None = None
    endpoint: str | None = None
    context: str | None = None
    mode: ModeWord | None = None
    parameters: RawObject = None
    source: str | None = None
    request_id: str | None = None
    requested_at: int | None = None
    retries: int | None = None
    external_id: str | None = None
    artifact_sha: str | None = None
    worker_id_prefix: str | None = None
    start_timeout: int | None = Field(None, description="Milliseconds.")
    perform_timeout: int | None = Field(None, description="Milliseconds.")

    @classmethod
    def of(cls, record: Record, step: HistoryStep, event: JobEvent) -> "EventDocument":
        fields = {
            "event": type(event).__name__,
            "time": record.time,
            "offset": record.offset,
            "accepted": step.status is not None,
            "status": step.status.word if step.status is not None else None,
        }
        return cls.model_validate(fields | _event_fields(event))


def _event_fields(event: JobEvent) -> dict[str, Any]:
    if isinstance(event, JobInitialized):
        return _initialized_fields(event)
    fields = {name: value for name, value in asdict(event).items() if name != "job_id"}
    if "result" in fields:
        fields["result"] = raw_json(fields["result"])
    return fields


def _initialized_fields(event: JobInitialized) -> dict[str, Any]:
    return {
        "writer": event.writer,
        "endpoint": event.endpoint.name,
        "context": event.context.name,
        "mode": event.mode,
        "parameters": raw_json(event.parameters),
        "source": event.source,
        "request_id": event.request_id,
        "requested_at": event.requested_at,
        "retries": event.retries,
        "external_id": event.external_id,
        "artifact_sha": event.endpoint.artifact_sha,
        "worker_id_prefix": event.worker_id_prefix,
        "start_timeout": event.start_timeout,
        "perform_timeout": event.perform_timeout,
    }


class WorkerLink(BaseModel):
    """A worker and where it runs."""

    model_config = shape(_WORKER)
    name: str
    address: str
    spark_ui: str | None = None

    @classmethod
    def of(cls, host: hosts.HostState, worker: hosts.Worker) -> "WorkerLink":
        return cls(name=worker.worker_id, address=host.address, spark_ui=worker.spark_ui)


class WorkerDocument(BaseModel):
    """A worker and its state."""

    model_config = shape(_WORKER | {"context": "default", "mode": "shared", "state": "idle", "host": "laptop-5f3a"})
    name: str
    address: str
    spark_ui: str | None = None
    context: str
    mode: ModeWord
    state: str = Field(description="idle, spare, busy or draining.")
    host: str

    @classmethod
    def of(cls, host: hosts.HostState, worker: hosts.Worker) -> "WorkerDocument":
        return cls(
            name=worker.worker_id,
            address=host.address,
            spark_ui=worker.spark_ui,
            context=worker.context,
            mode=worker.mode,
            state=worker.state,
            host=host.host_id,
        )


class JavaVersion(BaseModel):
    """The Java of the hosts' Spark drivers."""

    model_config = shape({"runtimeVersion": "17.0.12", "vmVendor": "Debian"})
    runtime_version: str
    vm_vendor: str

    @classmethod
    def of(cls, text: str) -> "JavaVersion":
        """`text` is a version and, in brackets, a vendor."""
        runtime, _, vendor = text.partition(" ")
        return cls(runtime_version=runtime or "unknown", vm_vendor=vendor.strip("()") or "unknown")


class MistStatus(BaseModel):
    """The service: versions, hosts, jobs."""

    model_config = shape(
        {"mistVersion": "0.1.0", "sparkVersion": "4.3.0", "started": 1_760_000_000_000,
         "javaVersion": {"runtimeVersion": "17.0.12", "vmVendor": "Debian"}, "hosts": 1,
         "jobs": {"initialized": 0, "queued": 0, "started": 1, "finished": 7, "canceled": 0, "failed": 2},
         "cursor": "AAAAAAAAABA"}
    )  # fmt: skip
    mist_version: str
    spark_version: str
    started: int = Field(description="The start of this gateway, epoch milliseconds.")
    java_version: JavaVersion
    hosts: int = Field(description="The number of living worker hosts.")
    jobs: dict[str, int] = Field(description="The number of jobs in each status.")
    cursor: str = Field(description="The cursor of the newest event, for ?since= of a WebSocket.")
