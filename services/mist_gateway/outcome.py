"""Waiting for a job's end on behalf of a client that asked for it with `force=true`."""

import asyncio

from fastapi import Request
from starlette.responses import Response

from mist_domain.job import Job
from mist_gateway.answers import json_answer
from mist_gateway.errors import Problem
from mist_gateway.gateway import Gateway
from mist_gateway.params import read_duration
from mist_gateway.starts import key_headers
from mist_gateway.views import view_outcome

DEFAULT_WAIT_MS = 3_600_000
NO_LIMIT_S = 365 * 24 * 3_600.0


async def answer_outcome(gateway: Gateway, request: Request, job_id: str, key: str) -> Response:
    """The outcome once the job is over, or 504. A client that goes away leaves the job as it is."""
    limit = _limit(request)
    ended = asyncio.ensure_future(gateway.state.jobs.wait_for(job_id, is_over, limit))
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
