"""Pieces of the OpenAPI description: parameters that handlers read themselves, and the errors a route can give."""

from collections.abc import Mapping
from typing import Any

from mist_gateway.http.documents import Error

Piece = Mapping[str, Any]

DESCRIPTION = """
Spark jobs as a service. Start an **endpoint**, get a job id, hear what becomes of the job.

* `POST /v2/api/endpoints/{name}` with a JSON object of arguments answers `{"id": …}` once the request is durable.
* The WebSocket `/v2/api/jobs/ws` (or `/v2/api/jobs/{id}/ws` for one job) tells each step: `initialized`, `queued`,
  `started`, then `finished`, `failed` or `canceled`. Each event carries a `cursor`; `?since=<cursor>` goes on after
  it, on any replica, without gap or repeat. More: `?phases=all`, `?withLogs=true`, and on one job's socket
  `?since=start`. Close codes: 4404 unknown job, 4400 bad cursor, 4408 read too slowly (the reason is the cursor to go
  on from).
* The same over Kafka: Avro or JSON requests to `mist.requests`, events on `mist.job-events` and `mist.events.json`.

`functions` may be said instead of `endpoints` in every path. Times are epoch milliseconds; absent values are left out.
Every error is `{"error": "<code>", "message": "<what was wrong and what to do>"}`.
"""

TAGS = [
    {"name": "endpoints", "description": "What can be started, and starting it."},
    {"name": "jobs", "description": "Jobs, what happened to them, their logs; cancelling."},
    {"name": "workers", "description": "Spark drivers that are up."},
    {"name": "contexts", "description": "Named groups of Spark settings."},
    {"name": "artifacts", "description": "Uploaded job code, kept by content."},
    {"name": "service", "description": "The service itself."},
]


def query(name: str, description: str, example: Any = None, **schema: Any) -> Piece:
    parameter = {"name": name, "in": "query", "required": False, "description": description}
    parameter["schema"] = schema or {"type": "string"}
    return parameter if example is None else parameter | {"example": example}


LIMIT = query("limit", "How many at most; more than 1000 is 1000.", 25, type="integer", minimum=0, default=25)
OFFSET = query("offset", "How many to leave out first.", 0, type="integer", minimum=0, default=0)
STATUSES = query(
    "status", "Only jobs in this status; may be repeated.", ["queued", "started"],
    type="array", items={"type": "string", "enum": ["initialized", "queued", "started", "finished", "canceled", "failed"]},
)  # fmt: skip
PAGE = (LIMIT, OFFSET, STATUSES)
KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key for the same endpoint is the same job, however often it is sent.",
    "schema": {"type": "string", "maxLength": 255},
    "example": "order-4711",
}


def described(*parameters: Piece, body: Piece | None = None) -> dict[str, Any]:
    """`openapi_extra` of a route."""
    extra: dict[str, Any] = {"parameters": list(parameters)} if parameters else {}
    if body is not None:
        extra["requestBody"] = {"content": {"application/json": body}}
    return extra


def errors(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """Responses of a route: `errors(e404="No such job.")`. 503 is possible everywhere."""
    known = {"e503": "Mist is starting or cannot reach Kafka; try again after Retry-After seconds.", **reasons}
    return {int(code[1:]): {"model": Error, "description": reason} for code, reason in sorted(known.items())}
