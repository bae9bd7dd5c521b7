"""Starting and cancelling over REST: what is durable is visible at once, what is wrong is refused in words."""

import asyncio
import json

import httpx
import pytest

from mist_domain.facts.hosts import Worker
from mist_domain.facts.requests import CancelRequest, StartRequest, StopWorkerRequest, job_id_of
from mist_eventlog import Reader
from support import facts
from support.gateway_world import CODEC, Log, beginning, eventually, life, new_id


async def last_request(kafka: str, key: str) -> object:
    """The last record with that key on `mist.requests`."""
    async with Reader(kafka) as reader:
        ranges = {partition: (0, end) for partition, end in (await reader.ends("mist.requests")).items()}
        found = None
        async for records in reader.read_range("mist.requests", ranges):
            for record in records:
                if record.key == key.encode():
                    found = CODEC.decode(record.value)
        return found


async def endpoint_of(log: Log, http: httpx.AsyncClient) -> str:
    name = await log.endpoint()

    async def known() -> bool:
        return (await http.get(f"/v2/api/endpoints/{name}")).status_code == httpx.codes.OK

    await eventually("the endpoint is known", known)
    return name


async def test_a_start_is_durable_and_visible_when_it_is_answered(
    http: httpx.AsyncClient, log: Log, kafka: str
) -> None:
    name = await log.endpoint()
    answer = await http.post(
        f"/v2/api/endpoints/{name}?context=big&mode=exlusive&workerId=w&externalId=my-1&startTimeout=10s&performTimeout=Inf",
        json={"numbers": [1, 2], "name": "é"},
    )
    assert answer.status_code == httpx.codes.OK
    job_id, key = answer.json()["id"], answer.headers["idempotency-key"]
    assert job_id == job_id_of(name, key)
    job = (await http.get(f"/v2/api/jobs/{job_id}")).json()
    assert (job["status"], job["context"], job["mode"]) == ("initialized", "big", "exclusive")
    assert (job["externalId"], job["source"]) == ("my-1", "Http")
    assert job["params"]["arguments"] == {"numbers": [1, 2], "name": "é"}
    assert [one["jobId"] for one in (await http.get(f"/v2/api/endpoints/{name}/jobs")).json()] == [job_id]
    request = await last_request(kafka, job_id)
    assert isinstance(request, StartRequest)
    assert (request.request_id, request.mode, request.worker_id) == (key, "exclusive", "w")
    assert (request.start_timeout, request.perform_timeout) == (10_000, None)
    assert request.registry_offset is not None
    assert request.registry_offset >= 0
    await log.tell(*life(job_id, name))

    async def finished() -> bool:
        return bool((await http.get(f"/v2/api/jobs/{job_id}")).json()["status"] == "finished")

    await eventually("the job is finished", finished)


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", None])
@pytest.mark.parametrize("path", ["endpoints/{}", "functions/{}/jobs"])
async def test_any_content_type_and_both_paths(
    http: httpx.AsyncClient, log: Log, path: str, content_type: str | None
) -> None:
    name = await endpoint_of(log, http)
    headers = {} if content_type is None else {"content-type": content_type}
    answer = await http.post("/v2/api/" + path.format(name), content=b'{"numbers":[]}', headers=headers)
    assert answer.status_code == httpx.codes.OK


async def test_an_empty_body_is_no_arguments(http: httpx.AsyncClient, log: Log) -> None:
    name = await log.endpoint(signature="{}")
    assert (await http.post(f"/v2/api/endpoints/{name}")).status_code == httpx.codes.OK


@pytest.mark.parametrize(
    ("query", "body", "code", "says"),
    [
        ("", b"[1]", "not_an_object", ["JSON object"]),
        ("", b'"x"', "not_an_object", ["JSON object"]),
        ("", b"{", "bad_json", ["line 1"]),
        ("", b'{"numbers":[NaN]}', "bad_json", ["NaN"]),
        ("", b'{"numbers":[1],"numbers":[2]}', "bad_json", ["numbers", "twice"]),
        ("", b'{"a":"\\ud800"}', "bad_json", ["surrogate"]),
        ("", b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "bad_json", ["deep"]),
        ("", b'{"a":' + b"9" * 5000 + b"}", "bad_json", ["digits"]),
        ("", b"\xff\xfe\xfd", "bad_json", []),
        ("", b"{}", "bad_arguments", ["numbers"]),
        ("", b'{"numbers":["a"],"name":3}', "bad_arguments", ["numbers", "name"]),
        ("?mode=both", b'{"numbers":[]}', "bad_mode", ["'both'", "shared", "exclusive"]),
        ("?context=a/b", b'{"numbers":[]}', "bad_name", ["a/b"]),
        ("?workerId=..", b'{"numbers":[]}', "bad_workerId", [".."]),
        ("?startTimeout=soon", b'{"numbers":[]}', "bad_startTimeout", ["soon"]),
        ("?performTimeout=-1s", b'{"numbers":[]}', "bad_performTimeout", ["-1s"]),
        ("?force=maybe", b'{"numbers":[]}', "bad_force", ["maybe"]),
    ],
)
async def test_a_bad_start_is_refused_with_everything_that_is_wrong(
    http: httpx.AsyncClient, log: Log, query: str, body: bytes, code: str, says: list[str]
) -> None:
    name = await endpoint_of(log, http)
    answer = await http.post(f"/v2/api/endpoints/{name}{query}", content=body)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert answer.json()["error"] == code
    for word in says:
        assert word in answer.json()["message"]
    assert (await http.get(f"/v2/api/endpoints/{name}/jobs")).json() == []


async def test_an_unknown_endpoint_is_404_and_a_new_one_never(http: httpx.AsyncClient, log: Log) -> None:
    answer = await http.post("/v2/api/endpoints/nobody", json={})
    assert (answer.status_code, answer.json()["error"]) == (httpx.codes.NOT_FOUND, "unknown_endpoint")
    for _ in range(5):
        name = await log.endpoint()
        assert (await http.post(f"/v2/api/endpoints/{name}", json={"numbers": []})).status_code == httpx.codes.OK


async def test_a_body_that_is_too_large_is_413(http: httpx.AsyncClient, log: Log) -> None:
    name = await endpoint_of(log, http)
    large = json.dumps({"numbers": [], "name": "x" * 512_000}).encode()

    async def chunks() -> object:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    for content in (large, chunks()):
        answer = await http.post(f"/v2/api/endpoints/{name}", content=content)  # type: ignore[arg-type]
        assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        assert answer.json()["error"] == "too_large"
    just = json.dumps({"numbers": [], "name": "x" * 500_000}).encode()
    assert (await http.post(f"/v2/api/endpoints/{name}", content=just)).status_code == httpx.codes.OK


async def test_the_same_key_is_the_same_job_and_other_content_under_it_a_conflict(
    http: httpx.AsyncClient, log: Log
) -> None:
    name = await endpoint_of(log, http)
    path, headers = f"/v2/api/endpoints/{name}", {"Idempotency-Key": "order-1"}
    first = await http.post(path, json={"numbers": [1], "name": "a"}, headers=headers)
    again = await http.post(path, content=b'{"name":"a", "numbers":[1]}', headers=headers)
    assert first.json() == again.json() == {"id": job_id_of(name, "order-1")}
    assert again.headers["idempotency-key"] == "order-1"
    other = await http.post(path, json={"numbers": [2]}, headers=headers)
    assert (other.status_code, other.json()["error"]) == (httpx.codes.CONFLICT, "key_conflict")
    assert other.json()["id"] == first.json()["id"]
    assert len((await http.get(f"{path}/jobs")).json()) == 1
    too_long = await http.post(path, json={"numbers": []}, headers={"Idempotency-Key": "k" * 256})
    assert too_long.status_code == httpx.codes.BAD_REQUEST


async def test_a_full_queue_is_429_and_what_was_taken_before_is_answered_all_the_same(
    http: httpx.AsyncClient, log: Log
) -> None:
    name = await endpoint_of(log, http)
    context = f"c-{name}"
    await http.post("/v2/api/contexts", json={"name": context, "maxQueued": 1})
    path = f"/v2/api/endpoints/{name}?context={context}"
    body: dict[str, list[int]] = {"numbers": []}
    taken = await http.post(path, json=body, headers={"Idempotency-Key": "first"})
    assert taken.status_code == httpx.codes.OK
    refused = await http.post(path, json=body, headers={"Idempotency-Key": "second"})
    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["idempotency-key"] == "second"
    assert (refused.json()["error"], refused.json()["id"]) == ("queue_full", job_id_of(name, "second"))
    assert f"context '{context}' has 1 waiting already" in refused.json()["message"]
    again = await http.post(path, json=body, headers={"Idempotency-Key": "first"})
    assert again.json() == taken.json()
    elsewhere = await http.post(f"/v2/api/endpoints/{name}", json=body)
    assert elsewhere.status_code == httpx.codes.OK


async def test_a_request_of_another_producer_shows_as_initialized(http: httpx.AsyncClient, log: Log) -> None:
    name = await endpoint_of(log, http)
    avro = CODEC.encode(StartRequest(request_id="a", endpoint=name, source="Async Mqtt", parameters='{"numbers":[1]}'))
    seed = {"endpointId": name, "parameters": {"numbers": [2]}, "externalId": "mine", "requestId": "b"}
    await log.appender.append("mist.requests", None, avro)
    await log.appender.append("mist.requests", "any key", json.dumps(seed).encode())
    await log.appender.append("mist.requests", None, b"no request at all")
    by_avro = (await http.get(f"/v2/api/jobs/{job_id_of(name, 'a')}")).json()
    by_json = (await http.get(f"/v2/api/jobs/{job_id_of(name, 'b')}")).json()
    assert (by_avro["status"], by_avro["source"], by_avro["context"]) == ("initialized", "Async Mqtt", name)
    assert (by_json["status"], by_json["source"], by_json["externalId"]) == ("initialized", "Async Kafka", "mine")


async def test_force_waits_for_the_end(http: httpx.AsyncClient, log: Log) -> None:
    name = await endpoint_of(log, http)
    path = f"/v2/api/functions/{name}/jobs?force=True"
    waiting = asyncio.create_task(http.post(path, json={"numbers": []}, headers={"Idempotency-Key": "f"}))
    job_id = job_id_of(name, "f")
    await eventually("the request is there", lambda: found(http, job_id))
    await log.tell(*beginning(job_id, name), facts.failed(job_id=job_id))
    answer = await waiting
    assert answer.status_code == httpx.codes.OK
    assert answer.json() == {"success": False, "payload": {}, "errors": ["ValueError: no"]}
    late = await http.post(path + "&timeout=200ms", json={"numbers": []})
    assert (late.status_code, late.json()["error"]) == (httpx.codes.GATEWAY_TIMEOUT, "still_running")
    assert (await http.get(f"/v2/api/jobs/{late.json()['id']}")).json()["status"] == "initialized"


async def found(http: httpx.AsyncClient, job_id: str) -> bool:
    return (await http.get(f"/v2/api/jobs/{job_id}")).status_code == httpx.codes.OK


async def test_a_cancel_is_asked_for_and_its_end_waited_for(http: httpx.AsyncClient, log: Log, kafka: str) -> None:
    name, job_id = await endpoint_of(log, http), new_id()
    await log.tell(*beginning(job_id, name))
    cancelling = asyncio.create_task(http.delete(f"/v2/api/jobs/{job_id}"))

    async def asked() -> bool:
        return isinstance(await last_request(kafka, job_id), CancelRequest)

    await eventually("the cancel is asked for", asked)
    assert not cancelling.done()
    await log.tell(facts.cancel_requested(job_id), facts.canceled(job_id=job_id))
    answer = await cancelling
    assert (answer.status_code, answer.json()["status"]) == (httpx.codes.OK, "canceled")
    assert "jobResult" not in answer.json()
    again = await http.delete(f"/v2/api/jobs/{job_id}")
    assert again.json() == answer.json()


async def test_a_cancel_that_takes_longer_is_answered_with_the_job_as_it_is(http: httpx.AsyncClient, log: Log) -> None:
    job_id = new_id()
    await log.tell(*beginning(job_id, "e"))
    answer = await http.delete(f"/v2/api/jobs/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (httpx.codes.OK, "started")
    assert (await http.delete("/v2/api/jobs/nobody")).status_code == httpx.codes.NOT_FOUND


async def test_stopping_a_worker_asks_each_host_that_has_it(http: httpx.AsyncClient, log: Log, kafka: str) -> None:
    name = f"w-{new_id()}"
    hosts = [f"host-{new_id()}" for _ in range(2)]
    for host in hosts:
        worker = Worker(worker_id=name, context="c", mode="shared", state="busy", pid=1)
        await log.host(facts.host_state(host, workers=(worker,)))

    async def known() -> bool:
        return len([one for one in (await http.get("/v2/api/workers")).json() if one["name"] == name]) == len(hosts)

    await eventually("both workers are known", known)
    answer = await http.delete(f"/v2/api/workers/{name}")
    assert (answer.status_code, answer.content) == (httpx.codes.OK, b"")
    for host in hosts:
        assert await last_request(kafka, host) == StopWorkerRequest(host_id=host, worker_id=name)
    assert (await http.delete("/v2/api/workers/nobody")).status_code == httpx.codes.OK
