"""`/v2/api/jobs`: lists, one job, its records, its logs, its worker; cancelling."""

from fastapi import APIRouter
from starlette.responses import Response

from mist_domain.facts.requests import CancelRequest
from mist_eventlog import OutageError
from mist_eventlog.topics.names import JOB_LOGS, REQUESTS
from mist_gateway.http import dependencies, models, openapi
from mist_gateway.http.answers import json_answer, text_answer
from mist_gateway.http.endpoints import is_over
from mist_gateway.problems import unavailable, unknown
from mist_gateway.projection.entry import Entry, JobRow
from mist_gateway.queries.history import read_history
from mist_gateway.queries.logs import read_log
from mist_gateway.service import Gateway

router = APIRouter(tags=["jobs"])

CANCEL_WAIT = 2.0
_UNKNOWN = openapi.errors(e404="No such job.")


@router.get(
    "",
    response_model=list[models.JobDocument] | models.JobPage,
    responses=openapi.errors(e400="A bad limit, offset or status."),
)
async def list_jobs(gateway: dependencies.ReadyGateway, page: dependencies.JobsPageQuery) -> Response:
    """List jobs, the newest first."""
    state = gateway.projection
    entries = state.jobs.entries(state.jobs.all.newest(page.status, page.offset, page.limit))
    jobs = [models.JobDocument.of_entry(entry, state.registry) for entry in entries]
    if not page.paginate:
        return json_answer(jobs)
    return json_answer(models.JobPage(jobs=jobs, total=state.jobs.all.total(page.status)))


@router.get("/{job_id}", response_model=models.JobDocument, responses=_UNKNOWN)
async def get_job(job_id: str, gateway: dependencies.ReadyGateway) -> Response:
    """Get one job."""
    return _answer_job(gateway, await _known(gateway, job_id))


@router.delete("/{job_id}", response_model=models.JobDocument, responses=_UNKNOWN)
async def cancel_job(job_id: str, gateway: dependencies.ReadyGateway) -> Response:
    """Cancel a job. Waits up to 2 s for its end and answers the job as it is then. A job that is over stays as it is."""
    entry = await _known(gateway, job_id)
    if not entry.final:
        await _cancel(gateway, job_id)
    return _answer_job(gateway, await _known(gateway, job_id))


@router.get("/{job_id}/events", response_model=list[models.EventDocument], responses=_UNKNOWN)
async def list_events(job_id: str, gateway: dependencies.ReadyGateway) -> Response:
    """List every record of the job's life in order, ignored ones marked."""
    entry = await _known(gateway, job_id)
    history = await read_history(gateway, entry) if isinstance(entry, JobRow) else []
    return json_answer([models.EventDocument.of(*step) for step in history])


@router.get(
    "/{job_id}/logs",
    response_class=Response,
    responses=_UNKNOWN | openapi.text("INFO 2017-07-14T02:40:00.123 [0b6c7d1e-…] hello\n"),
)
async def get_logs(job_id: str, gateway: dependencies.ReadyGateway) -> Response:
    """Get the job's output and logs as text, the last 4 MB; empty when there is none."""
    entry = await _known(gateway, job_id)
    if not isinstance(entry, JobRow):
        return text_answer("")
    partition = gateway.appender.partition_of(JOB_LOGS, job_id)
    return text_answer(await read_log(gateway.reader, gateway.codec, entry.job, partition))


@router.get(
    "/{job_id}/worker", response_model=models.WorkerLink, responses=openapi.errors(e404="No such job, or no worker.")
)
async def get_worker(job_id: str, gateway: dependencies.ReadyGateway) -> Response:
    """Get the worker that runs the job."""
    entry = await _known(gateway, job_id)
    if isinstance(entry, JobRow):
        for host, worker in gateway.projection.hosts.workers():
            if worker.worker_id == entry.job.worker_id and host.host_id == entry.job.host_id:
                return json_answer(models.WorkerLink.of(host, worker))
    raise unknown("worker", f"of job {job_id}", "the job has not started yet, or its worker is gone")


def _answer_job(gateway: Gateway, entry: Entry) -> Response:
    return json_answer(models.JobDocument.of_entry(entry, gateway.projection.registry))


async def _known(gateway: Gateway, job_id: str) -> Entry:
    entry = await gateway.find_job(job_id)
    if entry is None:
        raise unknown("job", job_id, "GET /v2/api/jobs lists all jobs")
    return entry


async def _cancel(gateway: Gateway, job_id: str) -> None:
    """Ask for the end of the job and wait for it, for 2 s at most."""
    request = CancelRequest(job_id=job_id, requested_by="user", reason="DELETE /v2/api/jobs/{id}")
    try:
        await gateway.append(REQUESTS, job_id, gateway.codec.encode(request))
    except (OutageError, TimeoutError) as error:
        raise unavailable("Kafka does not take the request at present; try again.") from error
    await gateway.projection.jobs.wait_for(job_id, is_over, CANCEL_WAIT)
