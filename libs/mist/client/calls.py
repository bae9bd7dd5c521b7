"""Every call of the API as a value: the request to send and the reader of its response. No I/O happens here."""

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
    """One request. `repeatable`: sending it twice has the effect of sending it once."""

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
    """Options of a start; the endpoint and its context decide what is `None`. Durations are text: `"10s"`, `"Inf"`."""

    context: str | None = None
    mode: str | None = None
    worker_id: str | None = None
    external_id: str | None = None
    start_timeout: str | None = None
    perform_timeout: str | None = None
    key: str | None = None


def start(endpoint: str, arguments: Mapping[str, Any], how: Start) -> Call[str]:
    """Start a job; the response is its id. Sending the same key again starts no second job."""
    query = {
        "context": how.context,
        "mode": how.mode,
        "workerId": how.worker_id,
        "externalId": how.external_id,
        "startTimeout": how.start_timeout,
        "performTimeout": how.perform_timeout,
    }
    return Call(
        method="POST",
        path=f"{API}/endpoints/{_part(endpoint)}/jobs",
        read=lambda response: str(response.json()["id"]),
        query=_present(query),
        json=dict(arguments),
        headers={"Idempotency-Key": how.key or str(uuid.uuid4())},
    )


def job(job_id: str) -> Call[JobInfo]:
    return _get(f"/jobs/{_part(job_id)}")


def jobs(status: Iterable[str], limit: int, offset: int, endpoint: str | None) -> Call[list[JobInfo]]:
    path = "/jobs" if endpoint is None else f"/endpoints/{_part(endpoint)}/jobs"
    return _get(path, {"status": list(status), "limit": limit, "offset": offset})


def cancel(job_id: str) -> Call[JobInfo]:
    return Call(method="DELETE", path=f"{API}/jobs/{_part(job_id)}", read=_document)


def logs(job_id: str) -> Call[str]:
    return Call(method="GET", path=f"{API}/jobs/{_part(job_id)}/logs", read=lambda response: response.text)


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
    """Create or replace a context; settings that are absent have their defaults."""
    return Call(method="POST", path=f"{API}/contexts", read=_document, json=document)


def delete_context(name: str) -> Call[ContextInfo]:
    return Call(method="DELETE", path=f"{API}/contexts/{_part(name)}", read=_document, repeatable=False)


def artifacts() -> Call[list[str]]:
    return _get("/artifacts")


def artifact_sha(name: str) -> Call[str]:
    """The artifact's SHA-1 in hex."""
    return Call(method="GET", path=f"{API}/artifacts/{_part(name)}/sha", read=lambda response: response.text.strip())


def upload(file: Path, *, force: bool) -> Call[str]:
    """Upload a file; the response is its name, a path for endpoints. The same content again changes nothing."""
    return Call(
        method="POST",
        path=f"{API}/artifacts",
        read=lambda response: response.text.strip(),
        query={"force": force},
        upload=file,
    )


def delete_artifact(name: str) -> Call[str]:
    return Call(
        method="DELETE", path=f"{API}/artifacts/{_part(name)}", read=lambda response: response.text, repeatable=False
    )


def workers() -> Call[list[WorkerInfo]]:
    return _get("/workers")


def stop_worker(worker_id: str) -> Call[None]:
    return Call(method="DELETE", path=f"{API}/workers/{_part(worker_id)}", read=lambda _: None)


def status() -> Call[dict[str, Any]]:
    return _get("/status")


def read(call: Call[Answer], response: httpx.Response) -> Answer:
    """The content of a response. Raises `RefusedError` or one of its subclasses."""
    if response.is_success:
        return call.read(response)
    code, message = _reason(response)
    raise _KINDS.get(response.status_code, RefusedError)(response.status_code, code, message)


def _reason(response: httpx.Response) -> tuple[str, str]:
    try:
        body = response.json()
        return str(body["error"]), str(body["message"])
    except (ValueError, KeyError, TypeError):
        text = response.text.strip()[:200] or response.reason_phrase
        return "unknown", f"{response.request.url} answered {response.status_code}: {text}"


def _get(path: str, query: Mapping[str, Any] | None = None) -> Call[Any]:
    return Call(method="GET", path=API + path, read=_document, query=query or {})


def _document(response: httpx.Response) -> Any:
    return cast("Any", response.json())


def _present(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _part(name: str) -> str:
    return quote(name, safe="")
