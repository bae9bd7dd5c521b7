"""`/v2/api/endpoints` (and `/functions`): functions that can be started, starting them, their jobs."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from mist_domain.job import Job
from mist_domain.registry import find_endpoint
from mist_gateway.commands import registry, start
from mist_gateway.http import dependencies, models, openapi
from mist_gateway.http.answers import json_answer
from mist_gateway.http.registry_models import EndpointDocument, EndpointFields
from mist_gateway.http.validation import MustBe
from mist_gateway.problems import ProblemError, unknown
from mist_gateway.service import Gateway

NO_LIMIT_S = 365 * 24 * 3_600.0

router = APIRouter(tags=["endpoints"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=start.KEY_HEADER,
        min_length=1,
        max_length=start.LONGEST_KEY,
        description="The same key for the same endpoint is the same job, however often it is sent.",
        examples=["order-4711"],
    ),
    MustBe(f"1 to {start.LONGEST_KEY} characters", code="bad_key"),
]
_START = openapi.query_of(dependencies.StartQuery) | openapi.body(
    {"type": "object", "description": "Arguments."}, {"numbers": [1, 2, 3], "multiplier": 2}
)
_START_ERRORS = openapi.errors(
    e400="No JSON object, bad arguments (all of them are named), bad mode or duration.",
    e404="No such endpoint.",
    e409="The same Idempotency-Key was used for another request.",
    e413="The request is larger than 512 kB.",
    e429="Too many jobs wait; try again after Retry-After seconds.",
    e504="With force: the job outlasts the timeout; its id is in the answer.",
)
_WRITE_ERRORS = openapi.errors(
    e400="A bad field, or an artifact that cannot be read.", e404="PUT: no such endpoint.", e409="POST: it exists."
)
_NO_ENDPOINT = openapi.errors(e404="No such endpoint.")


@router.post(
    "/{name}",
    response_model=models.Started | models.Outcome,
    responses=_START_ERRORS,
    openapi_extra=_START,
)
@router.post("/{name}/jobs", include_in_schema=False)
async def start_job(name: dependencies.Name, request: Request, key: IdempotencyKey = None) -> Response:
    """Start a job. Answers when the request is durable and the job visible here; with `force=true`, when it is over."""
    gateway, query = dependencies.gateway_of(request), dependencies.read_start_query(request)
    body = await dependencies.read_body(request)
    started = await start.start_job(gateway, name, body, _options(query, key, request.headers))
    headers = start.key_headers(started.request_id)
    if not query.force:
        return json_answer({"id": started.job_id}, headers=headers)
    limit = NO_LIMIT_S if query.timeout is None else query.timeout / 1000
    job = await _wait_for_end(gateway, request, started.job_id, limit)
    if job is None:
        message = f"The job goes on; see GET /v2/api/jobs/{started.job_id} for its end."
        raise ProblemError(504, "still_running", message, headers=headers, job_id=started.job_id)
    return json_answer(models.Outcome.of(job), headers=headers)


def _options(query: dependencies.StartQuery, key: str | None, headers: Mapping[str, str]) -> start.StartOptions:
    return start.StartOptions(
        key=key,
        context=query.context,
        mode=query.mode,
        worker_id=query.worker_id,
        external_id=query.external_id,
        start_timeout=query.start_timeout,
        perform_timeout=query.perform_timeout,
        trace=[(name, headers[name].encode()) for name in ("traceparent", "tracestate") if name in headers],
    )


async def _wait_for_end(gateway: Gateway, request: Request, job_id: str, limit: float) -> Job | None:
    """Wait for the end of a job, `limit` seconds at most. A client that goes away leaves the job as it is."""
    ended = asyncio.ensure_future(gateway.projection.jobs.wait_for(job_id, is_over, limit))
    gone = asyncio.ensure_future(_disconnected(request))
    await asyncio.wait((ended, gone), return_when=asyncio.FIRST_COMPLETED)
    job = ended.result() if ended.done() else None
    for waiting in (ended, gone):
        waiting.cancel()
    return job


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def is_over(job: Job) -> bool:
    return job.status.final


@router.get("", response_model=list[EndpointDocument], responses=openapi.errors())
async def list_endpoints(gateway: dependencies.ReadyGateway) -> Response:
    """List all endpoints, by name. One whose artifact cannot be read has the reason in `problem`."""
    return json_answer(
        [EndpointDocument.of(endpoint) for _, endpoint in sorted(gateway.projection.registry.endpoints.items())]
    )


@router.post(
    "",
    response_model=EndpointDocument,
    responses=_WRITE_ERRORS,
    openapi_extra=openapi.body_of(EndpointFields, "path", "className"),
)
async def create_endpoint(
    gateway: dependencies.ReadyGateway, fields: dependencies.EndpointBody, *, force: dependencies.ForceArtifact = False
) -> Response:
    """Create an endpoint. Its arguments are read from the source, which is never run."""
    created = await registry.create_endpoint(gateway, fields.over(None), force=force)
    return json_answer(EndpointDocument.of(created))


@router.put("", response_model=EndpointDocument, responses=_WRITE_ERRORS, openapi_extra=openapi.body_of(EndpointFields))
async def change_endpoint(
    gateway: dependencies.ReadyGateway, fields: dependencies.EndpointBody, *, force: dependencies.ForceArtifact = False
) -> Response:
    """Change an endpoint, or read its source again. Fields that are left out stay as they are."""
    current = await registry.current_endpoint(gateway, fields.name)
    changed = await registry.change_endpoint(gateway, fields.over(current), force=force)
    return json_answer(EndpointDocument.of(changed))


@router.delete("/{name}", response_model=EndpointDocument, responses=_NO_ENDPOINT)
async def delete_endpoint(name: dependencies.Name, gateway: dependencies.ReadyGateway) -> Response:
    """Remove an endpoint and answer it. Its jobs go on."""
    return json_answer(EndpointDocument.of(await registry.remove_endpoint(gateway, name)))


@router.get("/{name}", response_model=EndpointDocument, responses=_NO_ENDPOINT)
async def get_endpoint(name: dependencies.Name, gateway: dependencies.ReadyGateway) -> Response:
    """Get one endpoint with its arguments and their types."""
    endpoint = find_endpoint(gateway.projection.registry, name)
    if endpoint is None:
        raise unknown("endpoint", name, registry.ENDPOINTS_ADVICE)
    return json_answer(EndpointDocument.of(endpoint))


@router.get(
    "/{name}/jobs",
    response_model=list[models.JobDocument],
    responses=openapi.errors(e400="A bad limit, offset or status.", e404="No such endpoint."),
)
async def list_jobs(
    name: dependencies.Name, gateway: dependencies.ReadyGateway, page: dependencies.PageQuery
) -> Response:
    """List an endpoint's jobs, the newest first. A removed endpoint's jobs are still listed."""
    state = gateway.projection
    index = state.jobs.of_endpoint(name)
    if index is None and find_endpoint(state.registry, name) is None:
        raise unknown("endpoint", name, registry.ENDPOINTS_ADVICE)
    found = index.newest(page.status, page.offset, page.limit) if index is not None else []
    return json_answer([models.JobDocument.of_entry(entry, state.registry) for entry in state.jobs.entries(found)])
