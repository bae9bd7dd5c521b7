"""Starting a job: check what can be checked, append the request, show it here at once, answer with its id."""

import functools
import json
import time
import uuid
from typing import Any

from starlette.datastructures import Headers, QueryParams

from mist_domain.facts.limits import MAX_REQUEST_BYTES
from mist_domain.facts.registry import Endpoint
from mist_domain.facts.requests import HTTP_SOURCE, Origin, StartRequest, job_id_of, request_hash
from mist_domain.registry import find_context, find_endpoint
from mist_domain.signatures.arguments import check_arguments
from mist_domain.wire.json_text import read_json
from mist_domain.wire.start_request import build_start_request
from mist_eventlog import OutageError, RecordMetadata
from mist_eventlog.topics.names import REQUESTS
from mist_gateway.commands.registry import ENDPOINTS_ADVICE
from mist_gateway.http.params import read_name
from mist_gateway.problems import Problem, bad_request, queue_full, too_large, unavailable, unknown
from mist_gateway.projection.entry import JobRow
from mist_gateway.service import Gateway
from mist_runtime.tracing import begin_span, end_span, headers_of

KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 255


async def start_job(
    gateway: Gateway, endpoint: str, body: bytes, query: QueryParams, headers: Headers
) -> tuple[str, str]:
    """Append a start request, or find that it stands already; the job's id and the request's.

    Raises `Problem` or `RefusalError`.
    """
    key = headers.get(KEY_HEADER)
    request_id = _read_key(key)
    job_id = job_id_of(read_name("an endpoint", endpoint), request_id)
    reason = gateway.not_ready()
    if reason is not None:
        raise _not_taken(reason, job_id, request_id)
    found = await _find_endpoint(gateway, endpoint)
    request = _read_request(found, request_id, _read_arguments(found, body), query, gateway.projection.registry_offset)
    if key is not None and await _stands(gateway, job_id, request):
        return job_id, request_id
    _refuse_full(gateway, found, job_id, request)
    placed = await _append(gateway, job_id, request, headers)
    _show(gateway, request, placed)
    return job_id, request_id


def key_headers(request_id: str) -> dict[str, str]:
    return {KEY_HEADER: request_id}


def _read_key(key: str | None) -> str:
    if key is None:
        return str(uuid.uuid4())
    if not 0 < len(key) <= LONGEST_KEY:
        raise bad_request("bad_key", f"{KEY_HEADER} has {len(key)} characters; it must have 1 to {LONGEST_KEY}.")
    return key


async def _find_endpoint(gateway: Gateway, name: str) -> Endpoint:
    found = find_endpoint(gateway.projection.registry, name)
    if found is None:
        await gateway.read_registry()
        found = find_endpoint(gateway.projection.registry, name)
    if found is None:
        raise unknown("endpoint", name, ENDPOINTS_ADVICE)
    return found


def _read_arguments(endpoint: Endpoint, body: bytes) -> dict[str, Any]:
    arguments = read_json(body) if body.strip() else {}
    if not isinstance(arguments, dict):
        raise bad_request("not_an_object", 'The body must be a JSON object of arguments, such as {"numbers": [1, 2]}.')
    problems = check_arguments(_signature(endpoint.signature), arguments)
    if problems:
        raise bad_request("bad_arguments", f"{endpoint.name} cannot take these arguments: {'; '.join(problems)}.")
    return arguments


@functools.lru_cache(maxsize=1_024)
def _signature(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def _read_request(
    endpoint: Endpoint, request_id: str, arguments: dict[str, Any], query: QueryParams, registry_offset: int
) -> StartRequest:
    context = query.get("context")
    if context is not None:
        read_name("a context", context)
    return build_start_request(
        request_id=request_id,
        endpoint=endpoint.name,
        parameters=arguments,
        context=context,
        mode=query.get("mode"),
        worker_id=query.get("workerId"),
        external_id=query.get("externalId"),
        source=HTTP_SOURCE,
        start_timeout=query.get("startTimeout"),
        perform_timeout=query.get("performTimeout"),
        registry_offset=registry_offset,
    )


async def _stands(gateway: Gateway, job_id: str, request: StartRequest) -> bool:
    """Whether a request with the client's own key was taken before. Raises a conflict when it asked for else."""
    entry = await gateway.find_job(job_id)
    if entry is None:
        return False
    known = entry.job.request.request_hash if isinstance(entry, JobRow) else entry.request_hash()
    if known != request_hash(request):
        message = f"{KEY_HEADER} {request.request_id!r} was used for another request; send this one under a new key."
        raise Problem(409, "key_conflict", message, headers=key_headers(request.request_id or ""), id=job_id)
    return True


def _refuse_full(gateway: Gateway, endpoint: Endpoint, job_id: str, request: StartRequest) -> None:
    context = find_context(gateway.projection.registry, request.context or endpoint.default_context)
    reason = gateway.projection.jobs.queues.why_full(context)
    if reason is not None:
        raise queue_full(reason, headers=key_headers(request.request_id or ""), id=job_id)


async def _append(gateway: Gateway, job_id: str, request: StartRequest, headers: Headers) -> RecordMetadata:
    record = gateway.codec.encode(request)
    if len(record) > MAX_REQUEST_BYTES:
        raise too_large(MAX_REQUEST_BYTES)
    span = begin_span("start request", _trace(headers), {"job_id": job_id, "endpoint": request.endpoint})
    try:
        placed = await gateway.append(REQUESTS, job_id, record, headers_of(span))
    except (OutageError, TimeoutError) as error:
        end_span(span, "Kafka did not take it")
        reason = "Kafka does not take the request at present; send it again with the same key."
        raise _not_taken(reason, job_id, request.request_id or "") from error
    end_span(span)
    return placed


def _trace(headers: Headers) -> list[tuple[str, bytes]]:
    """What the client says of its own trace."""
    return [(name, headers[name].encode()) for name in ("traceparent", "tracestate") if name in headers]


def _show(gateway: Gateway, request: StartRequest, placed: RecordMetadata) -> None:
    """The request is in the log: this gateway shows it from now on, before it has read it back."""
    now = int(time.time() * 1000)
    gateway.projection.jobs.request(
        request, Origin(topic=placed.topic, partition=placed.partition, offset=placed.offset, time=now)
    )


def _not_taken(reason: str, job_id: str, request_id: str) -> Problem:
    return unavailable(reason, headers=key_headers(request_id), id=job_id)
