"""REST shows what the log holds: jobs, endpoints, contexts, workers; anything else is 404."""

import httpx
import pytest

from mist_domain.facts.hosts import Worker
from support import facts
from support.gateway_world import Log, beginning, eventually, life, new_id


async def known(http: httpx.AsyncClient, path: str) -> httpx.Response:
    """The answer once it is 200."""

    async def ask() -> httpx.Response | None:
        answer = await http.get(path)
        return answer if answer.status_code == httpx.codes.OK else None

    found = await eventually(f"200 from {path}", ask)
    assert found is not None
    return found


async def test_a_jobs_whole_life_is_shown_and_every_record_of_it_can_be_asked_for(
    http: httpx.AsyncClient, log: Log
) -> None:
    job_id, endpoint = new_id(), await log.endpoint()
    await log.tell(*life(job_id, endpoint, external_id="mine", parameters='{"n":[1]}'), facts.canceled(job_id=job_id))
    job = (await http.get(f"/v2/api/jobs/{job_id}")).json()
    assert (job["status"], job["jobResult"], job["externalId"]) == ("finished", {}, "mine")
    assert job["createTime"] <= job["startTime"] <= job["endTime"]
    events = (await http.get(f"/v2/api/jobs/{job_id}/events")).json()
    assert [event["event"] for event in events] == [
        "JobInitialized", "JobQueued", "JobAssigned", "JobStarted", "JobFinished", "JobCanceled",
    ]  # fmt: skip
    assert [event["accepted"] for event in events] == [True] * 5 + [False]
    assert [event.get("status") for event in events[2:]] == ["assigned", "started", "finished", None]
    assert events[0]["parameters"] == {"n": [1]}
    assert (events[3]["writer"], events[3]["attempt"], events[3]["workerId"]) == (facts.HOST, 1, "default")


async def test_lists_are_newest_first_with_exact_totals(http: httpx.AsyncClient, log: Log) -> None:
    endpoint = await log.endpoint()
    ids = [new_id() for _ in range(5)]
    for job_id in ids[:3]:
        await log.tell(*life(job_id, endpoint))
    for job_id in ids[3:]:
        await log.tell(*beginning(job_id, endpoint))
    assert (await http.get(f"/v2/api/jobs/{ids[-1]}")).status_code == httpx.codes.OK
    for path in ("endpoints", "functions"):
        jobs = (await http.get(f"/v2/api/{path}/{endpoint}/jobs")).json()
        assert [job["jobId"] for job in jobs] == ids[::-1]
    page = (await http.get(f"/v2/api/endpoints/{endpoint}/jobs?limit=2&offset=1")).json()
    assert [job["jobId"] for job in page] == [ids[3], ids[2]]
    done = (await http.get(f"/v2/api/endpoints/{endpoint}/jobs?status=Stopped&status=failed")).json()
    assert [job["jobId"] for job in done] == ids[2::-1]
    paged = (await http.get("/v2/api/jobs?paginate=True&limit=1")).json()
    assert len(paged["jobs"]) == 1
    counts = (await http.get("/v2/api/status")).json()["jobs"]
    assert paged["total"] == sum(counts.values())
    finished = (await http.get("/v2/api/jobs?paginate=1&limit=0&status=finished")).json()
    assert finished == {"jobs": [], "total": counts["finished"]}


async def test_endpoints_and_contexts_are_those_of_the_registry(http: httpx.AsyncClient, log: Log) -> None:
    name = await log.endpoint(problem="cannot be read", tags=("a",))
    endpoint = (await known(http, f"/v2/api/functions/{name}")).json()
    assert endpoint["execute"]["numbers"] == {"type": "MList", "args": [{"type": "MInt"}]}
    assert (endpoint["problem"], endpoint["tags"], endpoint["lang"]) == ("cannot be read", ["a"], "python")
    assert name in [one["name"] for one in (await http.get("/v2/api/endpoints")).json()]
    await log.context(name=name, downtime=None, max_jobs=3)
    assert (await known(http, f"/v2/api/contexts/{name}")).json()["downtime"] == "Inf"
    assert (await http.get("/v2/api/contexts/default")).json()["name"] == "default"
    assert {"default", name} <= {one["name"] for one in (await http.get("/v2/api/contexts")).json()}


async def test_workers_are_those_that_living_hosts_tell_of(http: httpx.AsyncClient, log: Log) -> None:
    host, job_id = f"host-{new_id()}", new_id()
    worker = Worker(worker_id=host, context="c", mode="shared", state="idle", pid=1, spark_ui="http://ui")
    starting = Worker(worker_id=f"{host}-2", context="c", mode="shared", state="starting", pid=2)
    await log.host(facts.host_state(host, workers=(worker, starting), address="10.0.0.1", spark_version="4.3.0"))
    link = {"name": host, "address": "10.0.0.1", "sparkUi": "http://ui"}
    told = (await known(http, f"/v2/api/workers/{host}")).json()
    assert link.items() <= told.items()
    workers = (await http.get("/v2/api/workers")).json()
    assert link in workers
    assert f"{host}-2" not in [one["name"] for one in workers]
    assert (await http.get("/v2/api/status")).json()["hosts"] >= 1
    events = [*beginning(job_id, "e")[:2], facts.assigned(job_id=job_id, host=host)]
    await log.tell(*events)
    assert (await http.get(f"/v2/api/jobs/{job_id}/worker")).status_code == httpx.codes.NOT_FOUND
    assert (await http.get(f"/v2/api/workers/{host}/jobs")).json() == []


async def test_a_running_jobs_worker_and_a_workers_jobs(http: httpx.AsyncClient, log: Log) -> None:
    host, job_id = f"host-{new_id()}", new_id()
    worker = Worker(worker_id="default", context="default", mode="shared", state="busy", pid=1)
    await log.host(facts.host_state(host, workers=(worker,)))
    await log.tell(
        *beginning(job_id, "e")[:2],
        facts.assigned(job_id=job_id, host=host),
        facts.started(job_id=job_id, host=host),
    )
    assert (await known(http, f"/v2/api/jobs/{job_id}/worker")).json()["name"] == "default"
    assert job_id in [job["jobId"] for job in (await http.get("/v2/api/workers/default/jobs")).json()]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v2/api/jobs/nobody", "unknown_job"),
        ("/v2/api/jobs/nobody/events", "unknown_job"),
        ("/v2/api/jobs/nobody/logs", "unknown_job"),
        ("/v2/api/jobs/nobody/worker", "unknown_job"),
        ("/v2/api/endpoints/nobody", "unknown_endpoint"),
        ("/v2/api/functions/nobody/jobs", "unknown_endpoint"),
        ("/v2/api/workers/nobody", "unknown_worker"),
        ("/v2/api/workers/nobody/jobs", "unknown_worker"),
        ("/v2/api/contexts/nobody", "unknown_context"),
        ("/v2/api/nothing", "unknown_path"),
    ],
)
async def test_what_is_not_there_is_404_and_says_so(http: httpx.AsyncClient, path: str, code: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.json()["error"] == code
    assert "nobody" in answer.json()["message"] or code == "unknown_path"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v2/api/jobs?limit=-1", "limit"),
        ("/v2/api/jobs?limit=many", "limit"),
        ("/v2/api/jobs?offset=-2", "offset"),
        ("/v2/api/jobs?status=asleep", "asleep"),
        ("/v2/api/jobs?paginate=perhaps", "paginate"),
        ("/v2/api/endpoints/e/jobs?status=asleep", "asleep"),
        ("/v2/api/endpoints/a%20b", "a b"),
        ("/v2/api/contexts/..%2Fetc", "etc"),
        ("/v2/api/contexts/%2E%2E", ".."),
        ("/v2/api/workers/default/jobs?limit=x", "limit"),
    ],
)
async def test_a_bad_query_or_name_is_refused_by_name(http: httpx.AsyncClient, path: str, names: str) -> None:
    answer = await http.get(path)
    assert answer.status_code in {httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND}
    assert names in answer.json()["message"]


async def test_cors_and_options(http: httpx.AsyncClient) -> None:
    answer = await http.options("/v2/api/jobs", headers={"Access-Control-Request-Headers": "x-mine"})
    assert answer.status_code == httpx.codes.OK
    assert answer.headers["access-control-allow-headers"] == "x-mine"
    assert "DELETE" in answer.headers["access-control-allow-methods"]


async def test_the_documentation_and_the_metrics_are_there(http: httpx.AsyncClient) -> None:
    assert (await http.get("/docs")).status_code == httpx.codes.OK
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert {"/v2/api/endpoints/{name}", "/v2/api/jobs/{job_id}/events", "/v2/api/status"} <= set(paths)
    for operations in paths.values():
        for operation in operations.values():
            assert operation["tags"]
            assert operation["description"]
    assert 'mist_gateway_jobs{status="finished"}' in (await http.get("/metrics")).text
    assert (await http.get("/livez")).text == "ok\n"
