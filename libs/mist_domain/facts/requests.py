"""Requests on `mist.requests`. A request may be refused; its effect is events on `mist.job-events`."""

import hashlib
import json
import uuid
from dataclasses import dataclass

from mist_domain.facts.registry import Context, Mode

HTTP_SOURCE = "Http"
KAFKA_SOURCE = "Async Kafka"
MQTT_SOURCE = "Async Mqtt"
"""The door of a start request, as `source` of its job shows it."""

JOB_NAMESPACE = uuid.UUID("5d3f8f4e-9d6b-5c0e-8a43-6d2b1f0c7e11")
UNNAMED_NAMESPACE = uuid.UUID("0b7c1e52-7a60-5f3c-9e0d-2f6a4c8d9b35")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """Start an endpoint. `parameters` is the JSON text of an object; durations are milliseconds.

    `registry_offset` is the last offset of `mist.registry` its gateway had folded: it is not decided by an older view.
    """

    request_id: str | None = None
    endpoint: str
    parameters: str = "{}"
    context: str | None = None
    mode: Mode | None = None
    worker_id: str | None = None
    external_id: str | None = None
    source: str
    start_timeout: int | None = None
    perform_timeout: int | None = None
    priority: int = 0
    registry_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    job_id: str
    requested_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWorkerRequest:
    host_id: str
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareWorkerRequest:
    """Keep `count` unused drivers of the context ready on a host; 0 ends it. The last for a context and mode counts."""

    host_id: str
    context: Context
    mode: Mode
    count: int


Request = StartRequest | CancelRequest | StopWorkerRequest | PrepareWorkerRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Position of a request in the log; `time` is its append time (ms)."""

    topic: str
    partition: int
    offset: int
    time: int


def request_id_at(origin: Origin) -> str:
    """The id of a request that came without one: its place in the log, so that reading it twice is one request."""
    place = f"{origin.topic}/{origin.partition}/{origin.offset}/{origin.time}"
    return str(uuid.uuid5(UNNAMED_NAMESPACE, place))


def job_id_of(endpoint: str, request_id: str) -> str:
    """One job per request id: the job's id is a function of endpoint and request id."""
    return str(uuid.uuid5(JOB_NAMESPACE, f"{endpoint}/{request_id}"))


def request_hash(request: StartRequest) -> str:
    """Hash the content of a request; 16 hex digits. The same request id with another hash is refused.

    `parameters` must be JSON text; the order of its keys makes no difference.
    """
    parameters = json.dumps(json.loads(request.parameters), sort_keys=True)
    asked = (
        request.endpoint, parameters, request.context, request.mode, request.worker_id, request.external_id,
        request.start_timeout, request.perform_timeout, request.priority,
    )  # fmt: skip
    return hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()
