"""`/v2/api/contexts`: named groups of Spark settings."""

from fastapi import APIRouter
from starlette.responses import Response

from mist_domain.facts.registry import DEFAULT_CONTEXT
from mist_domain.registry import find_context
from mist_gateway.commands import registry
from mist_gateway.http import dependencies, openapi
from mist_gateway.http.answers import json_answer
from mist_gateway.http.registry_models import ContextDocument, ContextFields

router = APIRouter(tags=["contexts"])

_WRITE_ERRORS = openapi.errors(e400="A bad field, or the default context.", e404="PUT: no such context.")
_BODY = openapi.body_of(ContextFields)


@router.get("", response_model=list[ContextDocument], responses=openapi.errors())
async def list_contexts(gateway: dependencies.ReadyGateway) -> Response:
    """List all contexts, by name; `default` always exists."""
    known = gateway.projection.registry
    names = {DEFAULT_CONTEXT, *known.contexts}
    return json_answer([ContextDocument.of(find_context(known, name)) for name in sorted(names)])


@router.get("/{name}", response_model=ContextDocument, responses=openapi.errors(e404="No such context."))
async def get_context(name: dependencies.Name, gateway: dependencies.ReadyGateway) -> Response:
    """Get one context."""
    if name == DEFAULT_CONTEXT:
        return json_answer(ContextDocument.of(find_context(gateway.projection.registry, name)))
    return json_answer(ContextDocument.of(registry.known_context(gateway, name, registry.CONTEXTS_ADVICE)))


@router.post("", response_model=ContextDocument, responses=_WRITE_ERRORS, openapi_extra=_BODY)
async def create_context(gateway: dependencies.ReadyGateway, fields: dependencies.ContextBody) -> Response:
    """Create a context, or replace one; fields that are left out are those of `default`."""
    base = await registry.new_context(gateway, fields.name)
    return json_answer(ContextDocument.of(await registry.define_context(gateway, fields.over(base))))


@router.put("", response_model=ContextDocument, responses=_WRITE_ERRORS, openapi_extra=_BODY)
async def change_context(gateway: dependencies.ReadyGateway, fields: dependencies.ContextBody) -> Response:
    """Change a context; fields that are left out stay as they are."""
    current = await registry.current_context(gateway, fields.name)
    return json_answer(ContextDocument.of(await registry.define_context(gateway, fields.over(current))))


@router.delete(
    "/{name}",
    response_model=ContextDocument,
    responses=openapi.errors(e400="The context `default`.", e404="No such context."),
)
async def delete_context(name: dependencies.Name, gateway: dependencies.ReadyGateway) -> Response:
    """Remove a context and answer it."""
    return json_answer(ContextDocument.of(await registry.remove_context(gateway, name)))
