"""Mist from Python: `Mist` for plain code, `AsyncMist` for asyncio, `KafkaMist` for those who have Kafka alone.

    from mist.client import Mist
    with Mist("http://127.0.0.1:2004") as mist:
        job = mist.run("simple-context", {"numbers": [1, 2, 3]})
        print(job["jobResult"])

One interface, the HTTP and WebSocket API of the gateway. What is safe to repeat is repeated, on the next of the
addresses given, while a gateway or Kafka is away: a start carries an idempotency key, so that it is one job.
"""

from typing import TYPE_CHECKING

from mist.client.aio import AsyncMist
from mist.client.documents import ContextInfo, EndpointInfo, Event, JobInfo, WorkerInfo
from mist.client.errors import (
    ConflictError,
    JobTimeoutError,
    MistError,
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
)
from mist.client.plain import Mist

if TYPE_CHECKING:
    from mist.client.kafka import KafkaMist

__all__ = [
    "AsyncMist",
    "ConflictError",
    "ContextInfo",
    "EndpointInfo",
    "Event",
    "JobInfo",
    "JobTimeoutError",
    "KafkaMist",
    "Mist",
    "MistError",
    "NotFoundError",
    "RefusedError",
    "UnauthorizedError",
    "UnreachableError",
    "WorkerInfo",
]


def __getattr__(name: str) -> object:
    """`KafkaMist` needs the Kafka clients, which REST users may not have."""
    if name == "KafkaMist":
        from mist.client.kafka import KafkaMist  # noqa: PLC0415

        return KafkaMist
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
