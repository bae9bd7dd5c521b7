"""`python -m mist_tools.verify`: reads the log, proves the promises, prints a summary; exits 1 at the first breach."""

import asyncio
import json
import logging
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from mist_domain.facts.records import RECORDS
from mist_domain.job import Job, shown
from mist_eventlog import Codec, OutageError
from mist_eventlog.address import KafkaSettings
from mist_tools.verify.audit import Audit, BreachError
from mist_tools.verify.reading import audit_log

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


def verify(
    kafka: Annotated[str | None, typer.Option(help="Kafka bootstrap servers; else those of MIST_KAFKA.")] = None,
    gateway: Annotated[list[str] | None, typer.Option(help="Gateways whose answers are compared with the log.")] = None,
    group: Annotated[str, typer.Option(envvar="MIST_SCHEDULER_GROUP", help="The scheduler's consumer group.")] = (
        "mist-scheduler"
    ),
) -> None:
    """Prove from the log: every record decodes, every order is legal, at most one start per attempt, no request lost."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        audit, checked, undecided = asyncio.run(audit_log(KafkaSettings().at(kafka), Codec(RECORDS), group))
        compared = {url: compare(audit.jobs, url) for url in gateway or ()}
    except BreachError as breach:
        sys.exit(f"BREACH {breach}")
    except OutageError as outage:
        sys.exit(f"{outage}")
    _tell(audit, checked, undecided)
    for url, jobs in compared.items():
        print(f"{url} answers as the log says for {jobs} jobs")


def _tell(audit: Audit, checked: int, undecided: int) -> None:
    print(f"{audit.read} facts of {len(audit.jobs)} jobs are in order; {audit.ignored} came late or again: no effect")
    print(f"{sum(audit.starts.values())} attempts started, none twice")
    print(f"{checked} start requests have their jobs; {undecided} are not decided yet")
    print("jobs: " + ", ".join(f"{count} {status.word}" for status, count in sorted(audit.statuses().items())))


if __name__ == "__main__":
    typer.run(verify)
