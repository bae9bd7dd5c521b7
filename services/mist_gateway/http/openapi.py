"""Pieces of the OpenAPI description that FastAPI cannot read from signatures: prose, raw bodies, errors."""

from typing import Any

from pydantic import BaseModel

from mist_gateway.http.models import Error

Responses = dict[int | str, dict[str, Any]]

DESCRIPTION = """
Spark jobs as a service. Start an **endpoint**, get a job id, follow the job.

* `POST /v2/api/endpoints/{name}` with a JSON object of arguments answers `{"id": …}` once the request is durable.
* The WebSocket `/v2/api/jobs/ws` (or `/v2/api/jobs/{id}/ws` for one job) sends each step: `initialized`, `queued`,
  `started`, then `finished`, `failed` or `canceled`. Each event carries a `cursor`; `?since=<cursor>` goes on after
  it, on any replica, without gap or repeat. More: `?phases=all`, `?withLogs=true`, and on one job's socket
  `?since=start`. Close codes: 4404 unknown job, 4400 bad cursor, 4408 read too slowly (the reason is the cursor to go
  on from).
* The same over Kafka: Avro or JSON requests to `mist.requests`, events on `mist.job-events` and `mist.events.json`.

Every path may have `functions` instead of `endpoints`. Times are epoch milliseconds; absent values are left out.
Every error is `{"error": "<code>", "message": "<the reason, and what to do>"}`.
"""

TAGS = [
    {"name": "endpoints", "description": "Functions that can be started, and starting them."},
    {"name": "jobs", "description": "Jobs, their history, their logs; cancelling."},
    {"name": "workers", "description": "Spark drivers that are up."},
    {"name": "contexts", "description": "Named groups of Spark settings."},
    {"name": "artifacts", "description": "Uploaded job code, kept by content."},
    {"name": "service", "description": "The service itself."},
]


def text(example: str) -> Responses:
    """A plain text answer."""
    return {200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": example}}}}


def errors(**reasons: str) -> Responses:
    """Errors of a route, as in `errors(e404="No such job.")`; 503 and those of every route are added."""
    known = {"e503": "Mist is starting or cannot reach Kafka; try again after Retry-After seconds.", **reasons}
    found: Responses = {
        int(code[1:]): {"model": Error, "description": reason} for code, reason in sorted(known.items())
    }
    return found | {"default": {"model": Error, "description": "Any other error, such as 401, 403, 429 or 500."}}


def query_of(model: type[BaseModel]) -> dict[str, Any]:
    """The query that a route reads into `model` itself, as `openapi_extra` of the route."""
    fields = model.model_json_schema()["properties"].items()
    parameters = [
        {"name": name, "in": "query", "required": False, "description": schema.pop("description"), "schema": schema}
        for name, schema in fields
    ]
    return {"parameters": parameters}


def body_of(model: type[BaseModel], *required: str) -> dict[str, Any]:
    """A JSON body that a dependency reads into `model`, as `openapi_extra` of a route."""
    schema = model.model_json_schema()
    schema["required"] = [*schema["required"], *required]
    return body(schema, schema.pop("examples")[0])


def body(schema: dict[str, Any], example: Any, content_type: str = "application/json") -> dict[str, Any]:
    content = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"requestBody": {"content": {content_type: content}}}
