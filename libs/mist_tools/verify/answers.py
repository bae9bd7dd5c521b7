"""Comparison of a gateway's answers, job by job, with the fold of the log."""

import json
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from mist_domain.job import Job, shown
from mist_tools.verify.audit import BreachError

PAGE = 1_000
TIMEOUT_SECONDS = 30


def compare(jobs: Mapping[str, Job], gateway: str) -> int:
    """Compare every job that the gateway lists; the number of them. Raises `BreachError` at the first that differs.

    The log must be at rest, else an answer may be newer than the fold.
    """
    answered = {answer["jobId"]: answer for answer in _listed(gateway)}
    for job_id, job in jobs.items():
        answer = answered.get(job_id)
        if answer is None:
            raise BreachError(f"{gateway} does not list job {job_id}, which is {job.status.word} by the log")
        told, folded = _told(answer), _folded(job)
        if told != folded:
            raise BreachError(f"{gateway} answers {told} for job {job_id}; by the log it is {folded}")
    unknown = answered.keys() - jobs.keys()
    if unknown:
        raise BreachError(f"{gateway} lists job {min(unknown)}, which the log does not know")
    return len(jobs)


def _told(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer.get(name) for name in ("status", "createTime", "startTime", "endTime", "jobResult")}


def _folded(job: Job) -> dict[str, Any]:
    result = json.loads(job.result) if job.result is not None else job.error
    return {
        "status": shown(job),
        "createTime": job.created_at,
        "startTime": job.started_at or None,
        "endTime": job.ended_at or None,
        "jobResult": result,
    }


def _listed(gateway: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while page := _page(gateway, offset):
        yield from page
        offset += len(page)


def _page(gateway: str, offset: int) -> list[dict[str, Any]]:
    url = f"{gateway}/v2/api/jobs?limit={PAGE}&offset={offset}"
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the operator names the gateway
        page: list[dict[str, Any]] = json.load(answer)
        return page
