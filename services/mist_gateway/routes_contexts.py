"""`/v2/api/contexts`: named groups of Spark settings."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from mist_domain.registry import DEFAULT_CONTEXT, Context, find_context
from mist_gateway import documents
from mist_gateway.answers import json_answer
from mist_gateway.door import ready
from mist_gateway.errors import unknown
from mist_gateway.openapi import errors
from mist_gateway.params import read_name
from mist_gateway.views import view_context

router = APIRouter(tags=["contexts"])


@router.get("", response_model=list[documents.Context], responses=errors())
async def list_contexts(request: Request) -> Response:
    """All contexts, by name; `default` is always there."""
    registry = ready(request).state.registry
    found = {entry.name: entry for entry in registry.values() if isinstance(entry, Context)}
    found.setdefault(DEFAULT_CONTEXT, find_context(registry, DEFAULT_CONTEXT))
    return json_answer([view_context(found[name]) for name in sorted(found)])


@router.get("/{name}", response_model=documents.Context, responses=errors(e404="No such context."))
async def get_context(name: str, request: Request) -> Response:
    """One context."""
    registry = ready(request).state.registry
    read_name("a context", name)
    if name != DEFAULT_CONTEXT and f"context/{name}" not in registry:
        raise unknown("context", name, "GET /v2/api/contexts lists those there are")
    return json_answer(view_context(find_context(registry, name)))
