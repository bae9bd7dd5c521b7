"""Mist from Python: `Mist` for plain code, `AsyncMist` for asyncio, `KafkaMist` for programs that have Kafka alone.

    from mist.client import Mist
    with Mist("http://127.0.0.1:2004") as mist:
        job = mist.run("simple-context", {"numbers": [1, 2, 3]})
        print(job["jobResult"])

`Mist` and `AsyncMist` use the gateway's HTTP and WebSocket API. While a gateway is away, calls that are safe to repeat are
repeated at the next address. A start carries an idempotency key, so that a repeated start is one job.
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
