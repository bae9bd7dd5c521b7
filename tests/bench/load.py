"""The loads that `make bench` puts on a running Mist, and what they measure. All on loopback, bounded in count."""

import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyspark
import websockets
from aiokafka import AIOKafkaProducer

from mist_runtime.java import find_java, spark_java_home

START = "/v2/api/endpoints/noop?context=bench"
REQUESTS = "mist.requests"
LIMIT_SECONDS = 120.0
BATCH = 100
SPARE_CONF = {"spark.master": "local[1]", "spark.ui.enabled": "false"}
SUBMITTED = """
from pyspark.sql import SparkSession
print(len(SparkSession.builder.getOrCreate().sql("select 1").collect()))
"""


class Feed:
    """The feed of one gateway: when each job was told to be over."""

    def __init__(self) -> None:
        self._over: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def finished(self, job_id: str) -> dict[str, Any]:
        return await asyncio.wait_for(self._of(job_id), LIMIT_SECONDS)

    async def listen(self, socket: websockets.ClientConnection) -> None:
        async for frame in socket:
            event = json.loads(frame)
            if event["event"] in {"finished", "failed"}:
                self._of(event["id"]).set_result(event)

    def _of(self, job_id: str) -> asyncio.Future[dict[str, Any]]:
        return self._over.setdefault(job_id, asyncio.get_running_loop().create_future())


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Feed]:
    feed = Feed()
    async with websockets.connect(url.replace("http", "ws") + "/v2/api/jobs/ws", max_queue=None) as socket:
        task = asyncio.create_task(feed.listen(socket))
        try:
            yield feed
        finally:
            task.cancel()


async def start(http: aiohttp.ClientSession, path: str) -> str:
    async with http.post(path, data=b"{}") as answer:
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["id"])


async def round_trips(url: str, path: str, count: int) -> tuple[list[float], list[float], list[dict[str, Any]]]:
    """One job at a time: milliseconds of the POST, of POST → `finished` on the WebSocket, and the last events."""
    posts, trips, events = [], [], []
    async with aiohttp.ClientSession(url) as http, listening(url) as feed:
        for number in range(count // 5 + count):
            begin = time.perf_counter()
            job_id = await start(http, path)
            posted = time.perf_counter()
            event = await feed.finished(job_id)
            if number >= count // 5:
                posts.append((posted - begin) * 1000)
                trips.append((time.perf_counter() - begin) * 1000)
                events.append(event)
    return posts, trips, events


async def jobs_per_second_by_rest(url: str, count: int, clients: int) -> float:
    """`clients` connections post one request after the other; the clock stops when the last job is over."""
    before, begin = await finished_total(url), time.perf_counter()
    async with aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=clients)) as http:

        async def client() -> None:
            for _ in range(count // clients):
                await start(http, START)

        await asyncio.gather(*(client() for _ in range(clients)))
    await until_total(url, before + count // clients * clients)
    return count / (time.perf_counter() - begin)


async def jobs_per_second_by_kafka(kafka: str, url: str, count: int) -> float:
    """A producer appends `count` requests as fast as it can; the clock stops when the gateway shows all as finished."""
    body = json.dumps({"endpointId": "noop", "runSettings": {"contextId": "bench"}}).encode()
    before, begin = await finished_total(url), time.perf_counter()
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        partitions = sorted(await producer.partitions_for(REQUESTS))
        for first in range(0, count, BATCH):
            batch, wanted = producer.create_batch(), min(BATCH, count - first)
            taken = sum(batch.append(key=None, value=body, timestamp=None) is not None for _ in range(wanted))
            assert taken == wanted, "a batch of requests is larger than the producer takes"
            await producer.send_batch(batch, REQUESTS, partition=partitions[first // BATCH % len(partitions)])
        await producer.flush()
    finally:
        await producer.stop()
    await until_total(url, before + count)
    return count / (time.perf_counter() - begin)


async def finished_total(url: str) -> int:
    query = {"paginate": "true", "limit": "1", "status": "finished"}
    async with aiohttp.ClientSession(url) as http, http.get("/v2/api/jobs", params=query) as answer:
        return int((await answer.json())["total"])


async def until_total(url: str, total: int) -> None:
    end = time.monotonic() + LIMIT_SECONDS
    while (found := await finished_total(url)) < total:
        assert time.monotonic() < end, f"only {found} of {total} jobs are finished after {LIMIT_SECONDS:.0f} s"
        await asyncio.sleep(0.1)


def spark_submit() -> float:
    """Milliseconds of one `spark-submit` of what the endpoint `select-one` does."""
    home = Path(pyspark.__file__).parent
    environment = os.environ | {"SPARK_HOME": str(home), "JAVA_HOME": str(spark_java_home(find_java()))}
    settings = [word for name, value in SPARE_CONF.items() for word in ("--conf", f"{name}={value}")]
    with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
        script.write(SUBMITTED)
        script.flush()
        begin = time.perf_counter()
        command = [str(home / "bin/spark-submit"), *settings, script.name]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        return (time.perf_counter() - begin) * 1000


async def exclusive_trips(url: str, count: int) -> list[float]:
    """Milliseconds of POST → `finished` of jobs that each find a spare."""
    context = {"name": "spared", "spares": 1, "workerMode": "exclusive", "sparkConf": SPARE_CONF}
    trips, used = [], {"spared"}
    async with aiohttp.ClientSession(url) as http, listening(url) as feed:
        async with http.post("/v2/api/contexts", json=context) as answer:
            assert answer.status == 200, await answer.text()
        for _ in range(count):
            used |= await _spares(http, used)
            begin = time.perf_counter()
            event = await feed.finished(await start(http, "/v2/api/endpoints/select-one?context=spared"))
            trips.append((time.perf_counter() - begin) * 1000)
            assert event["event"] == "finished", event
            used.add(f"spared-{event['id']}")
        async with http.delete("/v2/api/contexts/spared") as answer:
            assert answer.status == 200, await answer.text()
    return trips


async def _spares(http: aiohttp.ClientSession, used: set[str]) -> set[str]:
    """The spares that wait, once there is one that is not among `used`."""
    end = time.monotonic() + LIMIT_SECONDS
    while True:
        async with http.get("/v2/api/workers") as answer:
            names = {worker["name"] for worker in await answer.json()}
        found = {name for name in names if name.startswith("spared-")} - used
        if found:
            return found
        assert time.monotonic() < end, "no spare came up"
        await asyncio.sleep(0.2)
