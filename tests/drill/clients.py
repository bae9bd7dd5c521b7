"""Clients as they should be written: each request has an id, and is sent again until it is acknowledged."""

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from drill.evidence import Ack, Evidence
from drill.orders import Order, Way
from mist_domain.facts.records import RECORDS
from mist_domain.facts.requests import StartRequest
from mist_eventlog import Codec

REQUESTS = "mist.requests"
TRY_SECONDS = 15.0
PAUSE_SECONDS, LONGEST_PAUSE = 0.2, 3.0
MOST_AT_ONCE = 64
"""Requests that are under way; the others wait their turn, so that an outage is not answered by a storm."""


class Clients:
    """Sends orders by REST to any gateway and by Kafka, until acknowledged."""

    def __init__(self, gateways: Sequence[str], kafka: str, seen: Evidence) -> None:
        self._gateways = gateways
        self._kafka = kafka
        self._seen = seen
        self._codec = Codec(RECORDS)
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TRY_SECONDS))
        self._producer: Any = None
        self._connecting = asyncio.Lock()
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self.failed_tries = 0

    async def close(self) -> None:
        await self._http.close()
        producer = self._producer
        if producer is not None:
            await producer.stop()

    async def order(self, order: Order) -> None:
        """One client's whole dealing with one job."""
        async with self._at_once:
            await self._submit(order, order.way)
            if order.again is not None:
                await self._submit(order, order.again)
        if order.cancel is not None:
            await asyncio.sleep(order.cancel)
            await self._cancel(order.job_id)

    async def _submit(self, order: Order, way: Way) -> None:
        tries = 1
        while (job_id := await (self._post(order) if way == "rest" else self._produce(order, way))) is None:
            tries += 1
            self.failed_tries += 1
            await asyncio.sleep(random.uniform(0.5, 1.5) * min(PAUSE_SECONDS * 2**tries, LONGEST_PAUSE))
        self._seen.acks.append(Ack(order=order, job_id=job_id, tries=tries))

    async def _post(self, order: Order) -> str | None:
        """The id in the answer; `None` when the request is to be sent again."""
        url = f"{random.choice(self._gateways)}/v2/api/endpoints/{order.endpoint}"
        headers, body = {"Idempotency-Key": order.request_id}, {"seconds": order.seconds}
        try:
            async with self._http.post(url, params={"context": order.context}, json=body, headers=headers) as answer:
                return str((await answer.json())["id"]) if _taken(answer, await answer.text()) else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def _produce(self, order: Order, way: Way) -> str | None:
        producer = await self._connected()
        value = self._avro(order) if way == "avro" else _json(order)
        try:
            async with asyncio.timeout(TRY_SECONDS):
                await producer.send_and_wait(REQUESTS, value, key=order.request_id.encode())
        except (KafkaError, TimeoutError):
            await self._disconnect(producer)
            return None
        return order.job_id

    def _avro(self, order: Order) -> bytes:
        parameters = json.dumps({"seconds": order.seconds})
        return self._codec.encode(
            StartRequest(
                request_id=order.request_id, endpoint=order.endpoint, parameters=parameters, context=order.context,
                source="Async Kafka",
            )
        )  # fmt: skip

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            while self._producer is None:
                producer = AIOKafkaProducer(bootstrap_servers=self._kafka, acks="all", enable_idempotence=True)
                try:
                    await producer.start()
                    self._producer = producer
                except KafkaError:
                    await producer.stop()
                    await asyncio.sleep(PAUSE_SECONDS)
            return self._producer

    async def _disconnect(self, producer: AIOKafkaProducer) -> None:
        """A producer that failed may be left unusable: the next try makes a new one."""
        if self._producer is not producer:
            return
        self._producer = None
        await producer.stop()

    async def _cancel(self, job_id: str) -> None:
        while (status := await self._try_cancel(job_id)) is None:
            self.failed_tries += 1
            await asyncio.sleep(PAUSE_SECONDS)
        self._seen.cancels[job_id] = status

    async def _try_cancel(self, job_id: str) -> str | None:
        try:
            async with self._http.delete(f"{random.choice(self._gateways)}/v2/api/jobs/{job_id}") as answer:
                return str((await answer.json())["status"]) if _taken(answer, await answer.text()) else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def statuses(self, gateway: str) -> dict[str, str]:
        """Every job that a gateway lists. Raises `aiohttp.ClientError` when it does not answer."""
        jobs: dict[str, str] = {}
        while page := await self._page(gateway, len(jobs)):
            jobs |= {job["jobId"]: job["status"] for job in page}
        return jobs

    async def total(self, gateway: str, statuses: Sequence[str]) -> int:
        query = [("paginate", "true"), ("limit", "1"), *(("status", status) for status in statuses)]
        async with self._http.get(f"{gateway}/v2/api/jobs", params=query) as answer:
            answer.raise_for_status()
            return int((await answer.json())["total"])

    async def serves(self, gateway: str) -> bool:
        try:
            async with self._http.get(f"{gateway}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _page(self, gateway: str, offset: int) -> list[Mapping[str, Any]]:
        query = {"limit": "1000", "offset": str(offset)}
        async with self._http.get(f"{gateway}/v2/api/jobs", params=query) as answer:
            answer.raise_for_status()
            page: list[Mapping[str, Any]] = await answer.json()
            return page


def _taken(answer: aiohttp.ClientResponse, text: str) -> bool:
    """True when it is done; otherwise try again. Raises for an answer that no client should get here."""
    if answer.status in {404, 429} or answer.status >= 500:
        return False
    if answer.status != 200:
        raise AssertionError(f"{answer.method} {answer.url} was answered {answer.status}: {text}")
    return True


def _json(order: Order) -> bytes:
    return json.dumps(
        {
            "endpointId": order.endpoint,
            "parameters": {"seconds": order.seconds},
            "requestId": order.request_id,
            "runSettings": {"contextId": order.context},
        }
    ).encode()
