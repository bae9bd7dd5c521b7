"""Starting a job: check the request, append it, show it at once, answer with its id."""

import functools
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mist_domain.facts.limits import MAX_REQUEST_BYTES
from mist_domain.facts.registry import Endpoint, Mode
from mist_domain.facts.requests import HTTP_SOURCE, Origin, StartRequest, job_id_of, request_hash
from mist_domain.registry import find_context, find_endpoint
from mist_domain.signatures.arguments import check_arguments
from mist_domain.wire.json_text import read_json, write_json
from mist_domain.wire.start_request import check_fields
from mist_eventlog import OutageError, RecordMetadata
from mist_eventlog.topics.names import REQUESTS
from mist_gateway.commands.registry import ENDPOINTS_ADVICE
from mist_gateway.problems import ProblemError, bad_request, queue_full, too_large, unavailable, unknown
from mist_gateway.service import Gateway
from mist_runtime.tracing import begin_span, end_span, headers_of

KEY_HEADER = "Idempotency-Key"
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """A client's wishes for one job. Timeouts are milliseconds; `trace` holds its W3C trace headers."""

    key: str | None = None
    context: str | None = None
    mode: Mode | None = None
    worker_id: str | None = None
    external_id: str | None = None
    start_timeout: int | None = None
    perform_timeout: int | None = None
    trace: list[tuple[str, bytes]] = field(default_factory=list)


class StartedJob(NamedTuple):
    """A job and the id of its request: the client's key, or one made for it."""

    job_id: str
    request_id: str


async def start_job(gateway: Gateway, endpoint: str, body: bytes, options: StartOptions) -> StartedJob:
    """Append a start request, or find the one appended before under the same key.

    `body` is the JSON text of the arguments. Raises `ProblemError` or `RefusalError`.
    """
    request_id = str(uuid.uuid4()) if options.key is None else options.key
    started = StartedJob(job_id_of(endpoint, request_id), request_id)
    reason = gateway.not_ready()
    if reason is not None:
        raise _unavailable(reason, started)
    found = await _find_endpoint(gateway, endpoint)
    request = _request(found, started, _read_arguments(found, body), options, gateway.projection.registry_offset)
    if options.key is not None and await _is_repeated(gateway, started, request):
        return started
    _refuse_full(gateway, found, started, request)
    placed = await _append(gateway, started, request, options)
    _show(gateway, request, placed)
    return started


def key_headers(request_id: str) -> dict[str, str]:
    return {KEY_HEADER: request_id}


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


def _request(
    endpoint: Endpoint, started: StartedJob, arguments: dict[str, Any], options: StartOptions, registry_offset: int
) -> StartRequest:
    request = StartRequest(
        request_id=started.request_id,
        endpoint=endpoint.name,
        parameters=write_json(arguments),
        context=options.context,
        mode=options.mode,
        worker_id=options.worker_id,
        external_id=options.external_id,
        source=HTTP_SOURCE,
        start_timeout=options.start_timeout,
        perform_timeout=options.perform_timeout,
        registry_offset=registry_offset,
    )
    return check_fields(request)


async def _is_repeated(gateway: Gateway, started: StartedJob, request: StartRequest) -> bool:
    """True when the same request was appended before. Another request under the same key is a conflict."""
    entry = await gateway.find_job(started.job_id)
    if entry is None:
        return False
    if entry.request_hash() != request_hash(request):
        message = f"{KEY_HEADER} {started.request_id!r} was used for another request; send this one under a new key."
        raise ProblemError(409, "key_conflict", message, headers=key_headers(started.request_id), job_id=started.job_id)
    return True


def _refuse_full(gateway: Gateway, endpoint: Endpoint, started: StartedJob, request: StartRequest) -> None:
    context = find_context(gateway.projection.registry, request.context or endpoint.default_context)
    reason = gateway.projection.jobs.queues.why_full(context)
    if reason is not None:
        raise queue_full(reason, headers=key_headers(started.request_id), job_id=started.job_id)


async def _append(
    gateway: Gateway, started: StartedJob, request: StartRequest, options: StartOptions
) -> RecordMetadata:
    record = gateway.codec.encode(request)
    if len(record) > MAX_REQUEST_BYTES:
        raise too_large(MAX_REQUEST_BYTES)
    attributes = {"job_id": started.job_id, "endpoint": request.endpoint}
    span = begin_span("start request", options.trace, attributes)
    try:
        placed = await gateway.append(REQUESTS, started.job_id, record, headers_of(span))
    except (OutageError, TimeoutError) as error:
        end_span(span, "Kafka did not take it")
        reason = "Kafka does not take the request at present; send it again with the same key."
        raise _unavailable(reason, started) from error
    end_span(span)
    return placed


def _show(gateway: Gateway, request: StartRequest, placed: RecordMetadata) -> None:
    """Show the appended request from now on, before it is read back."""
    now = int(time.time() * 1000)
    gateway.projection.jobs.add_request(
        request, Origin(topic=placed.topic, partition=placed.partition, offset=placed.offset, time=now)
    )


def _unavailable(reason: str, started: StartedJob) -> ProblemError:
    return unavailable(reason, headers=key_headers(started.request_id), job_id=started.job_id)
