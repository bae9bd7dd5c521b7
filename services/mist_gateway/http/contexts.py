"""`/v2/api/contexts`: named groups of Spark settings."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from mist_domain.facts.registry import DEFAULT_CONTEXT
from mist_domain.registry import find_context
from mist_gateway.commands.registry import CONTEXTS_ADVICE, define_context, remove_context
from mist_gateway.http import documents
from mist_gateway.http.dependencies import ready
from mist_gateway.http.openapi import described, errors
from mist_gateway.http.params import read_body, read_name
from mist_gateway.http.responses import json_answer
from mist_gateway.http.views import view_context
from mist_gateway.problems import unknown

router = APIRouter(tags=["contexts"])

_WRITE_ERRORS = errors(e400="A bad field, or the default context.", e404="PUT: no such context.")
_WRITE = described(
    body={
        "schema": {"type": "object", "required": ["name"]},
        "example": {"name": "big", "maxJobs": 4, "downtime": "600s", "sparkConf": {"spark.master": "local[4]"}},
    }
)


@router.get("", response_model=list[documents.ContextDocument], responses=errors())
async def list_contexts(request: Request) -> Response:
    """All contexts, by name; `default` is always there."""
    registry = ready(request).projection.registry
    found = dict(registry.contexts)
    found.setdefault(DEFAULT_CONTEXT, find_context(registry, DEFAULT_CONTEXT))
    return json_answer([view_context(found[name]) for name in sorted(found)])


@router.get("/{name}", response_model=documents.ContextDocument, responses=errors(e404="No such context."))
async def get_context(name: str, request: Request) -> Response:
    """One context."""
    registry = ready(request).projection.registry
    read_name("a context", name)
    if name != DEFAULT_CONTEXT and name not in registry.contexts:
        raise unknown("context", name, CONTEXTS_ADVICE)
    return json_answer(view_context(find_context(registry, name)))


@router.post("", response_model=documents.ContextDocument, responses=_WRITE_ERRORS, openapi_extra=_WRITE)
async def create_context(request: Request) -> Response:
    """Create a context, or write one anew; what is not said is as in `default`."""
    gateway = ready(request)
    return json_answer(view_context(await define_context(gateway, await read_body(request), new=True)))


@router.put("", response_model=documents.ContextDocument, responses=_WRITE_ERRORS, openapi_extra=_WRITE)
async def change_context(request: Request) -> Response:
    """Change a context that is there; what is not said stays as it is."""
    gateway = ready(request)
    return json_answer(view_context(await define_context(gateway, await read_body(request), new=False)))


@router.delete(
    "/{name}", response_model=documents.ContextDocument, responses=errors(e400="`default`.", e404="No such context.")
)
async def delete_context(name: str, request: Request) -> Response:
    """Remove a context; answers the one that was removed."""
    return json_answer(view_context(await remove_context(ready(request), read_name("a context", name))))
