"""Drivers that are up before a job asks, each spare used by one job only."""

import uuid
from typing import Any

import httpx

from support.client import Client
from support.stack import wait_until


def define(mist: Client, **context: Any) -> str:
    name = f"c-{uuid.uuid4().hex[:8]}"
    body = {"name": name, "sparkConf": {"spark.ui.enabled": "false", "spark.master": "local[1]"}} | context
    assert mist.http.post("/v2/api/contexts", json=body).status_code == httpx.codes.OK
    return name


def workers(mist: Client, context: str) -> list[str]:
    names = [worker["name"] for worker in mist.http.get("/v2/api/workers").json()]
    return [name for name in names if name == context or name.startswith(f"{context}-")]


def ready(mist: Client, context: str, *not_these: str) -> list[str]:
    return wait_until(
        f"a driver of {context} waits", lambda: [one for one in workers(mist, context) if one not in not_these], 60
    )


def test_a_precreated_context_has_its_driver_before_its_first_job_and_not_after_its_end(mist: Client) -> None:
    context = define(mist, precreated=True, downtime="1s")
    assert ready(mist, context) == [context]
    job = mist.run("whoami", context=context)
    assert (job["status"], job["workerId"]) == ("finished", context)
    assert mist.driver(context) == job["jobResult"]["pid"]
    assert mist.http.delete(f"/v2/api/contexts/{context}").status_code == httpx.codes.OK
    wait_until("its driver is gone", lambda: not workers(mist, context), 60)


def test_a_spare_serves_one_exclusive_job_and_is_replaced(mist: Client) -> None:
    context = define(mist, spares=1, workerMode="exclusive")
    (first,) = ready(mist, context)
    job = mist.run("whoami", context=context)
    assert (job["status"], job["workerId"]) == ("finished", f"{context}-{job['jobId']}")
    (second,) = ready(mist, context, first, job["workerId"])
    other = mist.run("whoami", context=context)
    assert other["jobResult"]["pid"] != job["jobResult"]["pid"]
    assert second != first
    assert mist.http.delete(f"/v2/api/contexts/{context}").status_code == httpx.codes.OK
    wait_until("no spare is left", lambda: not workers(mist, context), 60)
