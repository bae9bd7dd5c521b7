"""`/v2/api/workers`: the Spark drivers that are up; stopping one."""

from fastapi import APIRouter
from starlette.responses import Response

from mist_domain.facts.hosts import HostState, Worker
from mist_domain.facts.requests import StopWorkerRequest
from mist_eventlog import OutageError
from mist_eventlog.topics.names import REQUESTS
from mist_gateway.http import dependencies, models, openapi
from mist_gateway.http.answers import json_answer
from mist_gateway.problems import unavailable, unknown
from mist_gateway.service import Gateway

router = APIRouter(tags=["workers"])

_UNKNOWN = openapi.errors(e404="No such worker.")


@router.get("", response_model=list[models.WorkerLink], responses=openapi.errors())
async def list_workers(gateway: dependencies.ReadyGateway) -> Response:
    """List the workers whose drivers are up."""
    return json_answer([models.WorkerLink.of(*found) for found in gateway.projection.hosts.workers()])


@router.get("/{worker_id}", response_model=models.WorkerDocument, responses=_UNKNOWN)
async def get_worker(worker_id: str, gateway: dependencies.ReadyGateway) -> Response:
    """Get one worker."""
    return json_answer(models.WorkerDocument.of(*_known(gateway, worker_id)))


@router.get("/{worker_id}/jobs", response_model=list[models.JobDocument], responses=_UNKNOWN)
async def list_jobs(worker_id: str, gateway: dependencies.ReadyGateway, page: dependencies.PageQuery) -> Response:
    """List jobs that run or ran in workers of that name, the newest first."""
    state = gateway.projection
    entries = state.jobs.of_worker(worker_id, page.status, page.offset, page.limit)
    if not entries:
        _known(gateway, worker_id)
    return json_answer([models.JobDocument.of_entry(entry, state.registry) for entry in entries])


@router.delete("/{worker_id}", response_class=Response, responses=openapi.errors())
async def stop_worker(worker_id: str, gateway: dependencies.ReadyGateway) -> Response:
    """Stop a worker; jobs that run in it fail. An unknown worker is answered with 200 too."""
    for host_id in gateway.projection.hosts.holding(worker_id):
        stop = StopWorkerRequest(host_id=host_id, worker_id=worker_id)
        try:
            await gateway.append(REQUESTS, host_id, gateway.codec.encode(stop))
        except (OutageError, TimeoutError) as error:
            raise unavailable("Kafka does not take the request at present; try again.") from error
    return Response()


def _known(gateway: Gateway, worker_id: str) -> tuple[HostState, Worker]:
    for host, worker in gateway.projection.hosts.workers():
        if worker.worker_id == worker_id:
            return host, worker
    raise unknown("worker", worker_id, "GET /v2/api/workers lists all workers")
