"""`/v2/api/workers`: the Spark drivers that are up; stopping one."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from mist_domain.facts.requests import StopWorkerRequest
from mist_eventlog import OutageError
from mist_eventlog.topics.names import REQUESTS
from mist_gateway.http import documents
from mist_gateway.http.dependencies import ready
from mist_gateway.http.openapi import PAGE, described, errors
from mist_gateway.http.params import read_page, read_statuses
from mist_gateway.http.responses import json_answer
from mist_gateway.http.views import View, view_entry, view_worker, view_worker_link
from mist_gateway.problems import unavailable, unknown
from mist_gateway.service import Gateway

router = APIRouter(tags=["workers"])

_UNKNOWN = errors(e404="No such worker.")


@router.get("", response_model=list[documents.WorkerLink], responses=errors())
async def list_workers(request: Request) -> Response:
    """The workers whose drivers are up."""
    return json_answer([view_worker_link(*found) for found in ready(request).projection.hosts.workers()])


@router.get("/{worker_id}", response_model=documents.WorkerDocument, responses=_UNKNOWN)
async def get_worker(worker_id: str, request: Request) -> Response:
    """One worker."""
    return json_answer(_known(ready(request), worker_id))


@router.get(
    "/{worker_id}/jobs", response_model=list[documents.JobDocument], responses=_UNKNOWN, openapi_extra=described(*PAGE)
)
async def list_jobs(worker_id: str, request: Request) -> Response:
    """Jobs that run or ran in workers of that name, the newest first."""
    state = ready(request).projection
    offset, limit = read_page(request.query_params)
    entries = state.jobs.of_worker(worker_id, read_statuses(request.query_params), offset, limit)
    if not entries:
        _known(ready(request), worker_id)
    return json_answer([view_entry(entry, state.registry) for entry in entries])


@router.delete("/{worker_id}", response_class=Response, responses=errors())
async def stop_worker(worker_id: str, request: Request) -> Response:
    """Stop a worker; jobs that run in it fail. An unknown worker is answered with 200 too."""
    gateway = ready(request)
    for host_id in gateway.projection.hosts.holding(worker_id):
        stop = StopWorkerRequest(host_id=host_id, worker_id=worker_id)
        try:
            await gateway.append(REQUESTS, host_id, gateway.codec.encode(stop))
        except (OutageError, TimeoutError) as error:
            raise unavailable("Kafka does not take the request at present; try again.") from error
    return Response()


def _known(gateway: Gateway, worker_id: str) -> View:
    for host, worker in gateway.projection.hosts.workers():
        if worker.worker_id == worker_id:
            return view_worker(host, worker)
    raise unknown("worker", worker_id, "GET /v2/api/workers lists those that are up")
