"""Mist as its clients use it: REST by httpx, the feed by websockets, requests by aiokafka."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from support.stack import wait_until

Event = dict[str, Any]
FINAL = {"finished", "failed", "canceled"}


class Client:
    """One gateway."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=60)

    def start(self, endpoint: str, arguments: dict[str, Any] | None = None, **query: str) -> str:
        answer = self.http.post(f"/v2/api/endpoints/{endpoint}", json=arguments or {}, params=query)
        assert answer.status_code == httpx.codes.OK, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/v2/api/jobs/{job_id}")
        assert answer.status_code == httpx.codes.OK, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def cancel(self, job_id: str) -> dict[str, Any]:
        answer = self.http.delete(f"/v2/api/jobs/{job_id}")
        assert answer.status_code == httpx.codes.OK, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def ended(self, job_id: str, limit: float = 120) -> dict[str, Any]:
        """The job once it is over."""

        def over() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] in FINAL else None

        return wait_until(f"job {job_id} is over", over, limit)

    def reached(self, job_id: str, status: str, limit: float = 120) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            job = self.job(job_id)
            return job if job["status"] == status else None

        return wait_until(f"job {job_id} is {status}", there, limit)

    def run(self, endpoint: str, arguments: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        return self.ended(self.start(endpoint, arguments, **query))

    def driver(self, context: str) -> int:
        """The process that runs the context's jobs now."""
        return int(self.run("whoami", context=context)["jobResult"]["pid"])

    def events(self, job_id: str) -> list[Event]:
        """Every record of the job."""
        events: list[Event] = self.http.get(f"/v2/api/jobs/{job_id}/events").json()
        return events

    @contextmanager
    def feed(self, path: str = "/v2/api/jobs/ws") -> Iterator["Feed"]:
        with connect(self.url.replace("http", "ws") + path) as socket:
            yield Feed(socket)


class Feed:
    """The events of one WebSocket, in the order they came."""

    def __init__(self, socket: Connection) -> None:
        self.socket = socket
        self.events: list[Event] = []

    def next(self, limit: float = 60) -> Event:
        event: Event = json.loads(self.socket.recv(timeout=limit))
        self.events.append(event)
        return event

    def until(self, job_id: str, last: str, limit: float = 60) -> list[str]:
        """Read on until the job's `last` event; the names of that job's events so far."""
        while not any(event.get("id") == job_id and event["event"] == last for event in self.events):
            self.next(limit)
        return [event["event"] for event in self.events if event.get("id") == job_id]


def produce(kafka: str, *values: bytes, key: bytes | None = None) -> None:
    """Append records to `mist.requests` as any producer would."""

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka)
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait("mist.requests", value, key=key)
        finally:
            await producer.stop()

    asyncio.run(send())
