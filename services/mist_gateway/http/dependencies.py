"""Dependencies of the routes: the gateway, a request's parameters, and its body read strictly."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import HTTPConnection

from mist_domain.facts.limits import MAX_REQUEST_BYTES
from mist_domain.facts.registry import NAME_RULE
from mist_domain.wire.json_text import read_json
from mist_gateway.http import registry_models, validation
from mist_gateway.problems import bad_request, too_large, unavailable
from mist_gateway.service import Gateway

LARGEST_LIMIT = 1_000


def gateway_of(connection: HTTPConnection) -> Gateway:
    gateway: Gateway = connection.app.state.gateway
    return gateway


async def any_gateway(request: Request) -> Gateway:
    """The gateway, ready or not. Not a plain function: FastAPI would call that in a thread."""
    return gateway_of(request)


async def ready_gateway(request: Request) -> Gateway:
    """The gateway, once it can be used; 503 until then."""
    gateway = gateway_of(request)
    reason = gateway.not_ready()
    if reason is not None:
        raise unavailable(reason)
    return gateway


async def read_body(request: Request, limit: int = MAX_REQUEST_BYTES) -> bytes:
    """The body; 413 as soon as it is known to be larger than `limit` bytes."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def read_start_query(request: Request) -> "StartQuery":
    """The options of a start. FastAPI reads so many parameters at twice the cost of the whole route."""
    try:
        return StartQuery.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError([item | {"loc": ("query", *item["loc"])} for item in error.errors()]) from error


async def endpoint_fields(request: Request) -> registry_models.EndpointFields:
    return registry_models.parse_endpoint(await _read_object(request))


async def context_fields(request: Request) -> registry_models.ContextFields:
    return registry_models.parse_context(await _read_object(request))


async def _read_object(request: Request) -> Mapping[str, Any]:
    value = read_json(await read_body(request))
    if not isinstance(value, dict):
        raise bad_request("not_an_object", "The body must be a JSON object with at least a name.")
    return value


AnyGateway = Annotated[Gateway, Depends(any_gateway)]
ReadyGateway = Annotated[Gateway, Depends(ready_gateway)]
EndpointBody = Annotated[registry_models.EndpointFields, Depends(endpoint_fields)]
ContextBody = Annotated[registry_models.ContextFields, Depends(context_fields)]
Name = Annotated[validation.NameParameter, Path(description=f"A name: {NAME_RULE}.")]


class Page(BaseModel):
    """A part of a list of jobs."""

    limit: Annotated[validation.Digits, AfterValidator(lambda limit: min(limit, LARGEST_LIMIT))] = Field(
        25, description=f"The number of jobs; {LARGEST_LIMIT} at most."
    )
    offset: validation.Digits = Field(0, description="The number of jobs to skip.")
    status: list[validation.StatusWord] = Field([], description="Only jobs in this status; may be repeated.")


class JobsQuery(Page):
    """A part of the list of all jobs."""

    paginate: validation.Flag = Field(default=False, description="Answer `{jobs, total}`.")


class StartQuery(BaseModel):
    """Options of a start."""

    model_config = ConfigDict(alias_generator=to_camel)
    context: validation.NameParameter | None = Field(
        None, description="The context to run in; the endpoint's default otherwise.", examples=["default"]
    )
    mode: validation.Mode | None = Field(
        None, description="`shared`: in the context's Spark driver; `exclusive`: in a fresh one."
    )
    worker_id: validation.NameField | None = Field(None, description="A prefix for the id of an exclusive worker.")
    external_id: str | None = Field(
        None, description="A label of your own, given back in `initialized` and in the job.", examples=["my-1"]
    )
    start_timeout: validation.Duration = Field(
        None, description="Fail the job when it waits in the queue for longer; its driver's start does not count."
    )
    perform_timeout: validation.Duration = Field(None, description="Cancel the job when it runs longer.")
    force: validation.Flag = Field(default=False, description="Wait for the end and answer the outcome.")
    timeout: validation.Duration = Field(
        "1h", validate_default=True, description="With force: the longest wait, then 504."
    )


PageQuery = Annotated[Page, Query()]
JobsPageQuery = Annotated[JobsQuery, Query()]
ForceArtifact = Annotated[validation.Flag, Query(description="Accept an endpoint whose artifact cannot be read.")]
