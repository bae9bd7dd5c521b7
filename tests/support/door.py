"""The API without Kafka: the real routes and projection; what is appended is folded at once."""

from typing import Any, cast

import httpx

from mist_artifacts import ArtifactStore
from mist_domain.facts.records import RECORDS
from mist_domain.facts.registry import Context, ContextDefined, Endpoint, EndpointDefined
from mist_domain.facts.requests import StartRequest
from mist_domain.registry import fold_registry
from mist_eventlog import Codec, RecordMetadata
from mist_eventlog.topics.names import REGISTRY
from mist_gateway.http.app import build_api
from mist_gateway.projection.state import Projection
from mist_gateway.service import Gateway
from mist_gateway.settings import GatewaySettings

SIGNATURE = '{"numbers":{"type":"MList","args":[{"type":"MInt"}]}}'


class FakeGateway:
    """The part of a gateway that routes use. `requests` holds the appended start requests."""

    def __init__(self, **settings: Any) -> None:
        self.settings = GatewaySettings(**settings)
        self.codec = Codec(RECORDS)
        self.projection = Projection(self.codec.decode, lost_after_ms=25_000)
        self.started_at = 0
        self.reason: str | None = None
        self.lagging: str | None = None
        self.store = ArtifactStore(self.settings.artifacts)
        self.requests: list[StartRequest] = []
        self._offset = 0

    def define(self, *entries: Endpoint | Context) -> None:
        for entry in entries:
            event = EndpointDefined(endpoint=entry) if isinstance(entry, Endpoint) else ContextDefined(context=entry)
            fold_registry(self.projection.registry, event)

    def not_ready(self) -> str | None:
        return self.reason

    async def read_registry(self) -> None:
        pass

    async def find_job(self, job_id: str) -> Any:
        return self.projection.jobs.find(job_id)

    async def append(self, topic: str, _key: str, value: bytes, _headers: Any = ()) -> RecordMetadata:
        record = self.codec.decode(value)
        if topic == REGISTRY:
            fold_registry(self.projection.registry, record)
        elif isinstance(record, StartRequest):
            self.requests.append(record)
        self._offset += 1
        return RecordMetadata(topic, 0, self._offset)

    async def wait_folded(self, *_: Any) -> bool:
        return True

    def client(self) -> httpx.AsyncClient:
        """A client of the whole application."""
        transport = httpx.ASGITransport(build_api(cast("Gateway", self)), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://mist")
