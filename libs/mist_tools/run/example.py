"""The example job, started over REST and over Kafka, and what is heard of both on the WebSocket."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from mist_eventlog import Appender
from mist_eventlog.topics.names import REQUESTS
from mist_tools.run.checks import http_client
from mist_tools.run.settings import CannotRunError, RunSettings

EXAMPLE_SECONDS = 180.0
ENDPOINT = "simple-context"
REST_NUMBERS, KAFKA_NUMBERS = [1, 2, 3], [4, 5, 6]
KAFKA_LABEL = "hello-kafka"
FINAL = {"finished", "failed", "canceled"}

Event = dict[str, Any]


@dataclass
class Followed:
    """The two jobs by id, and how each ended."""

    names: dict[str, str]
    ends: dict[str, str] = field(default_factory=dict)

    def takes(self, event: Event) -> str | None:
        """The name of the job that the event is of; `None` for jobs of others."""
        if event.get("externalId") == KAFKA_LABEL and "Kafka" not in self.names.values():
            self.names[event["id"]] = "Kafka"
        name = self.names.get(event.get("id", ""))
        if name and event["event"] in FINAL:
            self.ends[name] = event["event"]
        return name

    @property
    def over(self) -> bool:
        return len(self.ends) == 2


async def run_example(settings: RunSettings, say: Callable[[str], None]) -> None:
    """Start both, tell each event as it comes, and return when both finished. Raises `CannotRunError` if one did not."""
    url = f"ws://{settings.address}/v2/api/jobs/ws"
    try:
        async with asyncio.timeout(EXAMPLE_SECONDS), connect(url, proxy=None) as socket:
            followed = Followed({await _start_by_rest(settings): "REST"})
            await _start_by_kafka(settings)
            await _follow(socket, followed, say)
    except TimeoutError:
        raise CannotRunError(
            f"the example jobs took longer than {EXAMPLE_SECONDS:.0f} s; see {settings.logs}"
        ) from None
    unfinished = [f"{name}'s {end}" for name, end in followed.ends.items() if end != "finished"]
    if unfinished:
        raise CannotRunError(f"the example jobs did not finish: {', '.join(unfinished)}")


async def _start_by_rest(settings: RunSettings) -> str:
    async with http_client(settings) as http:
        answer = await http.post(f"/v2/api/endpoints/{ENDPOINT}", json={"numbers": REST_NUMBERS})
    if answer.is_error:
        raise CannotRunError(f"the gateway did not take the example job: {answer.text}")
    return str(answer.json()["id"])


async def _start_by_kafka(settings: RunSettings) -> None:
    request = {"endpointId": ENDPOINT, "parameters": {"numbers": KAFKA_NUMBERS}, "externalId": KAFKA_LABEL}
    async with Appender(settings.kafka) as appender:
        await appender.append(REQUESTS, None, json.dumps(request).encode())


async def _follow(socket: ClientConnection, followed: Followed, say: Callable[[str], None]) -> None:
    async for frame in socket:
        event = json.loads(frame)
        if name := followed.takes(event):
            say(f"  {name:<6} {_clock(event)}  {event['event']:<12} {_detail(event)}".rstrip())
        if followed.over:
            return


def _clock(event: Event) -> str:
    return datetime.fromtimestamp(event["time"] / 1000, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _detail(event: Event) -> str:
    match event["event"]:
        case "initialized":
            return f"{event['endpoint']} {json.dumps(event['params']['arguments'])}"
        case "started":
            return f"worker {event['workerId']}"
        case "finished":
            return json.dumps(event["result"])
        case "failed":
            return str(event["error"]).splitlines()[0]
        case _:
            return ""
