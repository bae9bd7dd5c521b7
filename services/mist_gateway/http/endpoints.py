"""`/v2/api/endpoints` (and `/functions`): what can be started, starting it, its jobs."""

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from mist_domain.facts.registry import Endpoint
from mist_domain.job import Job
from mist_domain.registry import find_endpoint
from mist_gateway.commands.registry import ENDPOINTS_ADVICE, define_endpoint, remove_endpoint
from mist_gateway.commands.start import key_headers, start_job
from mist_gateway.http import documents
from mist_gateway.http.dependencies import ready, the_gateway
from mist_gateway.http.openapi import KEY, PAGE, described, errors, query
from mist_gateway.http.params import read_body, read_duration, read_flag, read_name, read_page, read_statuses
from mist_gateway.http.responses import json_answer
from mist_gateway.http.views import view_endpoint, view_entry, view_outcome
from mist_gateway.problems import Problem, unknown
from mist_gateway.service import Gateway

DEFAULT_WAIT_MS = 3_600_000
NO_LIMIT_S = 365 * 24 * 3_600.0


async def answer_outcome(gateway: Gateway, request: Request, job_id: str, key: str) -> Response:
    """The outcome once the job is over, or 504. A client that goes away leaves the job as it is."""
    limit = _limit(request)
    ended = asyncio.ensure_future(gateway.projection.jobs.wait_for(job_id, is_over, limit))
    gone = asyncio.ensure_future(_gone(request))
    await asyncio.wait((ended, gone), return_when=asyncio.FIRST_COMPLETED)
    job = ended.result() if ended.done() else None
    for waiting in (ended, gone):
        waiting.cancel()
    if job is None:
        raise _outlasted(job_id, key)
    return json_answer(view_outcome(job), headers=key_headers(key))


def is_over(job: Job) -> bool:
    return job.status.final


def _limit(request: Request) -> float:
    """Seconds to wait."""
    if "timeout" not in request.query_params:
        return DEFAULT_WAIT_MS / 1000
    duration = read_duration(request.query_params, "timeout")
    return NO_LIMIT_S if duration is None else duration / 1000


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _outlasted(job_id: str, key: str) -> Problem:
    message = f"The job goes on; see GET /v2/api/jobs/{job_id} for its end."
    return Problem(504, "still_running", message, headers=key_headers(key), id=job_id)


router = APIRouter(tags=["endpoints"])

_START = described(
    query("context", "The context to run in; the endpoint's default otherwise.", "default"),
    query("mode", "`shared`: in the context's Spark driver; `exclusive`: in a fresh one.", "shared"),
    query("workerId", "A prefix for the id of an exclusive worker."),
    query("externalId", "A label of your own, given back in `initialized` and in the job.", "my-1"),
    query("startTimeout", 'Fail the job when it has not started in time: "10s", "5m", "Inf".', "5m"),
    query("performTimeout", "Cancel the job when it runs longer.", "1h"),
    query("force", "Wait for the end and answer the outcome.", "true", type="boolean"),
    query("timeout", "With force: how long to wait before 504.", "1h"),
    KEY,
    body={"schema": {"type": "object"}, "example": {"numbers": [1, 2, 3], "multiplier": 2}},
)
_START_ERRORS = errors(
    e400="No JSON object, bad arguments (all of them are named), bad mode or duration.",
    e404="No such endpoint.",
    e409="The same Idempotency-Key was used for another request.",
    e413="The request is larger than 512 kB.",
    e429="Too many jobs wait; try again after Retry-After seconds.",
    e504="With force: the job outlasts the timeout; its id is in the answer.",
)
_WRITE_ERRORS = errors(
    e400="A bad field, or an artifact that cannot be read.", e404="PUT: no such endpoint.", e409="POST: it is there."
)
_WRITE = described(
    query("force", "Take it though its artifact cannot be read.", "false", type="boolean"),
    body={
        "schema": {"type": "object", "required": ["name", "path", "className"]},
        "example": {
            "name": "my-job",
            "path": "file:///srv/my_job.py",
            "className": "my_job",
            "defaultContext": "default",
        },
    },
)
_JOBS = described(*PAGE)


@router.post("/{name}", response_model=documents.Started, responses=_START_ERRORS, openapi_extra=_START)
@router.post("/{name}/jobs", response_model=documents.Started, include_in_schema=False)
async def start(name: str, request: Request) -> Response:
    """Start a job. Answers when the request is durable and the job visible here; with `force=true`, when it is over."""
    gateway = the_gateway(request)
    force = read_flag(request.query_params, "force")
    body = await read_body(request)
    job_id, key = await start_job(gateway, name, body, request.query_params, request.headers)
    if force:
        return await answer_outcome(gateway, request, job_id, key)
    return json_answer({"id": job_id}, headers=key_headers(key))


@router.get("", response_model=list[documents.EndpointDocument], responses=errors())
async def list_endpoints(request: Request) -> Response:
    """All endpoints, by name. One whose artifact cannot be read says so in `problem`."""
    registry = ready(request).projection.registry
    return json_answer([view_endpoint(endpoint) for _, endpoint in sorted(registry.endpoints.items())])


@router.post("", response_model=documents.EndpointDocument, responses=_WRITE_ERRORS, openapi_extra=_WRITE)
async def create_endpoint(request: Request) -> Response:
    """Create an endpoint. Its arguments are read from the source, which is never run."""
    return json_answer(view_endpoint(await _define(request, new=True)))


@router.put("", response_model=documents.EndpointDocument, responses=_WRITE_ERRORS, openapi_extra=_WRITE)
async def change_endpoint(request: Request) -> Response:
    """Change an endpoint that is there, or read its source again."""
    return json_answer(view_endpoint(await _define(request, new=False)))


@router.delete("/{name}", response_model=documents.EndpointDocument, responses=errors(e404="No such endpoint."))
async def delete_endpoint(name: str, request: Request) -> Response:
    """Remove an endpoint; answers the one that was removed. Its jobs go on."""
    removed = await remove_endpoint(ready(request), read_name("an endpoint", name))
    return json_answer(view_endpoint(removed))


@router.get("/{name}", response_model=documents.EndpointDocument, responses=errors(e404="No such endpoint."))
async def get_endpoint(name: str, request: Request) -> Response:
    """One endpoint with its arguments and their types."""
    return json_answer(view_endpoint(_known(name, request)))


@router.get(
    "/{name}/jobs",
    response_model=list[documents.JobDocument],
    responses=errors(e400="A bad limit, offset or status.", e404="No such endpoint."),
    openapi_extra=_JOBS,
)
async def list_jobs(name: str, request: Request) -> Response:
    """An endpoint's jobs, the newest first."""
    state = ready(request).projection
    offset, limit = read_page(request.query_params)
    statuses = read_statuses(request.query_params)
    index = state.jobs.of_endpoint(read_name("an endpoint", name))
    if index is None:
        _known(name, request)
        return json_answer([])
    entries = state.jobs.entries(index.newest(statuses, offset, limit))
    return json_answer([view_entry(entry, state.registry) for entry in entries])


async def _define(request: Request, *, new: bool) -> Endpoint:
    gateway = ready(request)
    force = read_flag(request.query_params, "force")
    return await define_endpoint(gateway, await read_body(request), new=new, force=force)


def _known(name: str, request: Request) -> Endpoint:
    registry = ready(request).projection.registry
    endpoint = find_endpoint(registry, read_name("an endpoint", name))
    if endpoint is None:
        raise unknown("endpoint", name, ENDPOINTS_ADVICE)
    return endpoint
