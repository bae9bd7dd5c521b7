"""Calls of the API as values: the request to send, and the reader of its answer. No I/O."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

import httpx

from mist.client.documents import ContextInfo, EndpointInfo, JobInfo, WorkerInfo
from mist.client.errors import ConflictError, NotFoundError, RefusedError, UnauthorizedError

Answer = TypeVar("Answer")
API = "/v2/api"
_KINDS = {401: UnauthorizedError, 403: UnauthorizedError, 404: NotFoundError, 409: ConflictError}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[Answer]):
    """One call. `repeatable`: sending it twice has the effect of sending it once, so a lost answer is no problem."""

    method: str
    path: str
    read: Callable[[httpx.Response], Answer]
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Path | None = None
    repeatable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Options of a start; `None` leaves the choice to the endpoint and its context. Durations: `"10s"`, `"Inf"`.

    `key` makes repeated starts one job; without it each start is a job of its own.
    """

    context: str | None = None
    mode: str | None = None
    worker_id: str | None = None
    external_id: str | None = None
    start_timeout: str | None = None
    perform_timeout: str | None = None
    key: str | None = None


def start(endpoint: str, arguments: Mapping[str, Any], options: Start) -> Call[str]:
    """Start a job; the answer is its id. One key is one job, however often it is sent."""
    query = {
        "context": options.context,
        "mode": options.mode,
        "workerId": options.worker_id,
        "externalId": options.external_id,
        "startTimeout": options.start_timeout,
        "performTimeout": options.perform_timeout,
    }
    return Call(
        method="POST",
        path=f"{API}/endpoints/{_part(endpoint)}/jobs",
        read=lambda answer: str(answer.json()["id"]),
        query=_present(query),
        json=dict(arguments),
        headers={"Idempotency-Key": options.key or str(uuid.uuid4())},
    )


def job(job_id: str) -> Call[JobInfo]:
    return _get(f"/jobs/{_part(job_id)}")


def jobs(status: Iterable[str], limit: int, offset: int, endpoint: str | None) -> Call[list[JobInfo]]:
    path = "/jobs" if endpoint is None else f"/endpoints/{_part(endpoint)}/jobs"
    return _get(path, {"status": list(status), "limit": limit, "offset": offset})


def cancel(job_id: str) -> Call[JobInfo]:
    return Call(method="DELETE", path=f"{API}/jobs/{_part(job_id)}", read=_document)


def logs(job_id: str) -> Call[str]:
    return Call(method="GET", path=f"{API}/jobs/{_part(job_id)}/logs", read=lambda answer: answer.text)


def history(job_id: str) -> Call[list[dict[str, Any]]]:
    return _get(f"/jobs/{_part(job_id)}/events")


def job_worker(job_id: str) -> Call[WorkerInfo]:
    return _get(f"/jobs/{_part(job_id)}/worker")


def endpoints() -> Call[list[EndpointInfo]]:
    return _get("/endpoints")


def endpoint(name: str) -> Call[EndpointInfo]:
    return _get(f"/endpoints/{_part(name)}")


def create_endpoint(document: Mapping[str, Any], *, force: bool) -> Call[EndpointInfo]:
    return Call(
        method="POST", path=f"{API}/endpoints", read=_document, query={"force": force}, json=document, repeatable=False
    )


def update_endpoint(document: Mapping[str, Any], *, force: bool) -> Call[EndpointInfo]:
    return Call(method="PUT", path=f"{API}/endpoints", read=_document, query={"force": force}, json=document)


def delete_endpoint(name: str) -> Call[EndpointInfo]:
    return Call(method="DELETE", path=f"{API}/endpoints/{_part(name)}", read=_document, repeatable=False)


def contexts() -> Call[list[ContextInfo]]:
    return _get("/contexts")


def context(name: str) -> Call[ContextInfo]:
    return _get(f"/contexts/{_part(name)}")


def put_context(document: Mapping[str, Any]) -> Call[ContextInfo]:
    """Create a context, or replace its settings; those left out get their defaults."""
    return Call(method="POST", path=f"{API}/contexts", read=_document, json=document)


def delete_context(name: str) -> Call[ContextInfo]:
    return Call(method="DELETE", path=f"{API}/contexts/{_part(name)}", read=_document, repeatable=False)


def artifacts() -> Call[list[str]]:
    return _get("/artifacts")


def artifact_sha(name: str) -> Call[str]:
    """SHA-1 in hex."""
    return Call(method="GET", path=f"{API}/artifacts/{_part(name)}/sha", read=lambda answer: answer.text.strip())


def upload(file: Path, *, force: bool) -> Call[str]:
    """Upload a file; the answer is its name. The same content again changes nothing."""
    return Call(
        method="POST",
        path=f"{API}/artifacts",
        read=lambda answer: answer.text.strip(),
        query={"force": force},
        upload=file,
    )


def delete_artifact(name: str) -> Call[str]:
    return Call(
        method="DELETE", path=f"{API}/artifacts/{_part(name)}", read=lambda answer: answer.text, repeatable=False
    )


def workers() -> Call[list[WorkerInfo]]:
    return _get("/workers")


def stop_worker(worker_id: str) -> Call[None]:
    return Call(method="DELETE", path=f"{API}/workers/{_part(worker_id)}", read=lambda _: None)


def status() -> Call[dict[str, Any]]:
    return _get("/status")


def read(call: Call[Answer], answer: httpx.Response) -> Answer:
    """Read the answer of a call. Raises `RefusedError` or one of its kinds."""
    if answer.is_success:
        return call.read(answer)
    code, message = _error_of(answer)
    raise _KINDS.get(answer.status_code, RefusedError)(answer.status_code, code, message)


def _error_of(answer: httpx.Response) -> tuple[str, str]:
    try:
        body = answer.json()
        return str(body["error"]), str(body["message"])
    except (ValueError, KeyError, TypeError):
        text = answer.text.strip()[:200] or answer.reason_phrase
        return "unknown", f"{answer.request.url} answered {answer.status_code}: {text}"


def _get(path: str, query: Mapping[str, Any] | None = None) -> Call[Any]:
    return Call(method="GET", path=API + path, read=_document, query=query or {})


def _document(answer: httpx.Response) -> Any:
    return cast("Any", answer.json())


def _present(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _part(name: str) -> str:
    return quote(name, safe="")
