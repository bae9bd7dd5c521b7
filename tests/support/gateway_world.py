"""A real gateway over a real broker; the test plays schedulers and hosts by appending their facts."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
from websockets.asyncio.client import ClientConnection

from mist_domain.facts.hosts import HostState
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.records import RECORDS
from mist_domain.facts.registry import Context, ContextDefined, Endpoint, EndpointDefined, RegistryEvent, registry_key
from mist_eventlog import Appender, Codec, RecordMetadata
from support import facts
from support.stack import Service, free_port, wait_until

CODEC = Codec(RECORDS)
LIMIT = 20.0
SIGNATURE = (
    '{"numbers":{"type":"MList","args":[{"type":"MInt"}]},"name":{"type":"MOption","args":[{"type":"MString"}]}}'
)

Found = TypeVar("Found")


class Gateway:
    """One gateway process. Its scheduler group is its own, so that no other test's commits matter."""

    def __init__(self, kafka: str, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            "MIST_KAFKA": kafka,
            "MIST_HTTP_PORT": str(self.port),
            "MIST_STATE": str(folder),
            "MIST_ARTIFACTS": str(folder / "artifacts"),
            "MIST_SCHEDULER_GROUP": f"test-{uuid.uuid4().hex[:8]}",
            **settings,
        }
        self.log = folder / "gateway.log"
        self.service = Service("gateway", "mist_gateway", environment, self.log)

    def start(self) -> None:
        self.service.start()
        wait_until("the gateway is ready", lambda: self.answer("/readyz") == httpx.codes.OK, 60.0)

    def answer(self, path: str) -> int | None:
        """The status of an answer, `None` when there is none."""
        try:
            return httpx.get(self.url + path).status_code
        except httpx.TransportError:
            return None

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=30.0)

    def socket(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}/v2/api{path}"


class Log:
    """Appends what schedulers, hosts and other gateways would say."""

    def __init__(self, appender: Appender) -> None:
        self.appender = appender

    async def tell(self, *events: JobEvent) -> list[RecordMetadata]:
        return await self.appender.append_all(
            [("mist.job-events", event.job_id, CODEC.encode(event)) for event in events]
        )

    async def host(self, state: HostState) -> None:
        await self.appender.append("mist.hosts", state.host_id, CODEC.encode(state))

    async def define(self, fact: RegistryEvent) -> None:
        await self.appender.append("mist.registry", registry_key(fact), CODEC.encode(fact))

    async def endpoint(self, name: str | None = None, **changes: Any) -> str:
        """An endpoint of a new name."""
        name = name or f"e-{uuid.uuid4().hex[:8]}"
        fields = {"path": "file:///e.py", "class_name": "e", "signature": SIGNATURE, "default_context": name} | changes
        await self.define(EndpointDefined(endpoint=Endpoint(name=name, **fields)))
        return name

    async def context(self, **changes: Any) -> None:
        await self.define(ContextDefined(context=Context(**changes)))


def new_id() -> str:
    return str(uuid.uuid4())


def beginning(job_id: str, endpoint: str, **changes: Any) -> list[JobEvent]:
    """A job's facts up to its start."""
    known = Endpoint(name=endpoint, path="file:///e.py", class_name="e")
    return [
        facts.initialized(job_id, endpoint=known, **changes),
        facts.queued(job_id=job_id),
        facts.assigned(job_id=job_id),
        facts.started(job_id=job_id),
    ]


def life(job_id: str, endpoint: str, **changes: Any) -> list[JobEvent]:
    """A job's facts to its end."""
    return [*beginning(job_id, endpoint, **changes), facts.finished(job_id=job_id)]


async def eventually(what: str, probe: Callable[[], Awaitable[Found]]) -> Found:
    """Return the value of `probe` once it is true; `TimeoutError` naming `what` after a while."""
    try:
        async with asyncio.timeout(LIMIT):
            while not (found := await probe()):  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.02)
            return found
    except TimeoutError:
        raise TimeoutError(f"after {LIMIT:.0f} s still not: {what}") from None


async def hear(socket: ClientConnection, count: int) -> list[dict[str, Any]]:
    """The next `count` events, keep-alives left out."""
    heard: list[dict[str, Any]] = []
    async with asyncio.timeout(LIMIT):
        while len(heard) < count:
            event = json.loads(await socket.recv())
            if event["event"] != "keep-alive":
                heard.append(event)
    return heard


def words(heard: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in heard]
