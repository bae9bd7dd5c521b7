"""`/v2/api/jobs`: lists, one job, its records, its logs, its worker; cancelling."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from mist_domain.facts.requests import CancelRequest
from mist_eventlog import OutageError
from mist_eventlog.topics.names import JOB_LOGS, REQUESTS
from mist_gateway.http import documents
from mist_gateway.http.dependencies import ready
from mist_gateway.http.endpoints import is_over
from mist_gateway.http.openapi import PAGE, described, errors, query
from mist_gateway.http.params import read_flag, read_page, read_statuses
from mist_gateway.http.responses import json_answer, text_answer
from mist_gateway.http.views import view_entry, view_worker_link
from mist_gateway.problems import unavailable, unknown
from mist_gateway.projection.entry import Entry, JobRow
from mist_gateway.queries.history import read_facts
from mist_gateway.queries.logs import read_log
from mist_gateway.service import Gateway

router = APIRouter(tags=["jobs"])

CANCEL_WAIT = 2.0
_UNKNOWN = errors(e404="No such job.")
_LIST = described(*PAGE, query("paginate", "Answer `{jobs, total}`.", "true", type="boolean"))
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"example": "INFO 2017-07-14T02:40:00.123 [0b6c7d1e-…] hello\n"}}}
}


@router.get(
    "",
    response_model=list[documents.JobDocument] | documents.JobPage,
    responses=errors(e400="A bad limit, offset or status."),
    openapi_extra=_LIST,
)
async def list_jobs(request: Request) -> Response:
    """Jobs, the newest first."""
    state = ready(request).projection
    offset, limit = read_page(request.query_params)
    statuses = read_statuses(request.query_params)
    entries = state.jobs.entries(state.jobs.all.newest(statuses, offset, limit))
    views = [view_entry(entry, state.registry) for entry in entries]
    if read_flag(request.query_params, "paginate"):
        return json_answer({"jobs": views, "total": state.jobs.all.total(statuses)})
    return json_answer(views)


@router.get("/{job_id}", response_model=documents.JobDocument, responses=_UNKNOWN)
async def get_job(job_id: str, request: Request) -> Response:
    """One job."""
    gateway = ready(request)
    return json_answer(view_entry(await _known(gateway, job_id), gateway.projection.registry))


@router.delete("/{job_id}", response_model=documents.JobDocument, responses=_UNKNOWN)
async def cancel_job(job_id: str, request: Request) -> Response:
    """Cancel a job. Answers the job as it is then: waits 2 s at most. One that is over stays as it is."""
    gateway = ready(request)
    entry = await _known(gateway, job_id)
    if not (isinstance(entry, JobRow) and entry.job.status.final):
        await _cancel(gateway, job_id)
    return json_answer(view_entry(await _known(gateway, job_id), gateway.projection.registry))


@router.get("/{job_id}/events", response_model=list[documents.FactDocument], responses=_UNKNOWN)
async def list_events(job_id: str, request: Request) -> Response:
    """Every record of the job's life in order, ignored ones marked: who said what, when and why."""
    gateway = ready(request)
    entry = await _known(gateway, job_id)
    return json_answer(await read_facts(gateway, entry) if isinstance(entry, JobRow) else [])


@router.get("/{job_id}/logs", response_class=Response, responses={**_UNKNOWN, **_TEXT})
async def get_logs(job_id: str, request: Request) -> Response:
    """What the job printed and logged; empty when there is nothing."""
    gateway = ready(request)
    entry = await _known(gateway, job_id)
    if not isinstance(entry, JobRow):
        return text_answer("")
    partition = gateway.appender.partition_of(JOB_LOGS, job_id)
    return text_answer(await read_log(gateway.reader, gateway.codec, entry.job, partition))


@router.get(
    "/{job_id}/worker", response_model=documents.WorkerLink, responses=errors(e404="No such job, or no worker.")
)
async def get_worker(job_id: str, request: Request) -> Response:
    """The worker that runs the job."""
    gateway = ready(request)
    entry = await _known(gateway, job_id)
    if isinstance(entry, JobRow):
        for host, worker in gateway.projection.hosts.workers():
            if worker.worker_id == entry.job.worker_id and host.host_id == entry.job.host_id:
                return json_answer(view_worker_link(host, worker))
    raise unknown("worker", f"of job {job_id}", "the job has not started yet, or its worker is gone")


async def _known(gateway: Gateway, job_id: str) -> Entry:
    entry = await gateway.find_job(job_id)
    if entry is None:
        raise unknown("job", job_id, "GET /v2/api/jobs lists those there are")
    return entry


async def _cancel(gateway: Gateway, job_id: str) -> None:
    """Ask for the end of the job and wait for it, for 2 s at most."""
    request = CancelRequest(job_id=job_id, requested_by="user", reason="DELETE /v2/api/jobs/{id}")
    try:
        await gateway.append(REQUESTS, job_id, gateway.codec.encode(request))
    except (OutageError, TimeoutError) as error:
        raise unavailable("Kafka does not take the request at present; try again.") from error
    await gateway.projection.jobs.wait_for(job_id, is_over, CANCEL_WAIT)
