"""`python -m mist_tools.verify`: reads the log, proves the promises, prints a summary; exits 1 at the first breach."""

import asyncio
import logging
import sys
from typing import Annotated

import typer

from mist_domain.facts.records import RECORDS
from mist_eventlog import Codec, OutageError
from mist_eventlog.address import KafkaSettings
from mist_tools.verify.answers import compare
from mist_tools.verify.audit import Audit, BreachError
from mist_tools.verify.reading import audit_log


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
