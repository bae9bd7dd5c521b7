"""Endpoints and contexts into the registry: checked, appended, and shown by this gateway before they are answered."""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import BinaryIO

from mist_domain.facts.registry import (
    DEFAULT_CONTEXT,
    Context,
    ContextDefined,
    ContextRemoved,
    Endpoint,
    EndpointDefined,
    EndpointRemoved,
    RegistryEvent,
    registry_key,
)
from mist_domain.registry import find_artifact, find_context, find_endpoint, names_artifact
from mist_eventlog import OutageError
from mist_eventlog.topics.names import REGISTRY
from mist_gateway.commands.signatures import Opener, UnreadableError, open_url, with_signature
from mist_gateway.problems import ProblemError, bad_request, unavailable, unknown
from mist_gateway.service import Gateway

ENDPOINTS_ADVICE = "GET /v2/api/endpoints lists all endpoints"
CONTEXTS_ADVICE = "GET /v2/api/contexts lists all contexts"


async def create_endpoint(gateway: Gateway, endpoint: Endpoint, *, force: bool) -> Endpoint:
    """Append a new endpoint with its signature. With `force`, one whose artifact cannot be read keeps the reason."""
    await gateway.read_registry()
    if find_endpoint(gateway.projection.registry, endpoint.name) is not None:
        raise _exists(endpoint)
    endpoint = await asyncio.to_thread(_with_signature, endpoint, opener_of(gateway), force=force)
    await append_fact(gateway, EndpointDefined(endpoint=endpoint, creates=True))
    if find_endpoint(gateway.projection.registry, endpoint.name) != endpoint:
        raise _exists(endpoint)
    return endpoint


async def current_endpoint(gateway: Gateway, name: str) -> Endpoint:
    """The endpoint to be changed, as it stands at the present end of the registry."""
    await gateway.read_registry()
    endpoint = find_endpoint(gateway.projection.registry, name)
    if endpoint is None:
        raise unknown("endpoint", name, "POST creates it")
    return endpoint


async def change_endpoint(gateway: Gateway, endpoint: Endpoint, *, force: bool) -> Endpoint:
    """Append the changed endpoint with its signature, read again."""
    endpoint = await asyncio.to_thread(_with_signature, endpoint, opener_of(gateway), force=force)
    await append_fact(gateway, EndpointDefined(endpoint=endpoint))
    return endpoint


async def remove_endpoint(gateway: Gateway, name: str) -> Endpoint:
    """Remove and return the endpoint."""
    endpoint = find_endpoint(gateway.projection.registry, name)
    if endpoint is None:
        raise unknown("endpoint", name, ENDPOINTS_ADVICE)
    await append_fact(gateway, EndpointRemoved(name=name))
    return endpoint


async def new_context(gateway: Gateway, name: str) -> Context:
    """The settings that a new context starts with: those of `default`, under its own name."""
    await gateway.read_registry()
    _refuse_default(name)
    return replace(find_context(gateway.projection.registry, DEFAULT_CONTEXT), name=name)


async def current_context(gateway: Gateway, name: str) -> Context:
    """The context to be changed, as it stands at the present end of the registry."""
    await gateway.read_registry()
    _refuse_default(name)
    return known_context(gateway, name, "POST creates it")


async def define_context(gateway: Gateway, context: Context) -> Context:
    """Append a new or changed context."""
    await append_fact(gateway, ContextDefined(context=context))
    return context


async def remove_context(gateway: Gateway, name: str) -> Context:
    """Remove and return the context."""
    _refuse_default(name)
    context = known_context(gateway, name, CONTEXTS_ADVICE)
    await append_fact(gateway, ContextRemoved(name=name))
    return context


def known_context(gateway: Gateway, name: str, advice: str) -> Context:
    """The context that was defined under that name; 404 with the `advice` for any other."""
    context = gateway.projection.registry.contexts.get(name)
    if context is None:
        raise unknown("context", name, advice)
    return context


def _refuse_default(name: str) -> None:
    if name == DEFAULT_CONTEXT:
        raise bad_request("default_context", "The context 'default' cannot be created, changed or removed over REST.")


def opener_of(gateway: Gateway) -> Opener:
    """An opener of artifacts by name, and of all else by path or URL."""

    def open_path(path: str) -> AbstractContextManager[BinaryIO]:
        if not names_artifact(path):
            return open_url(path)
        stored = find_artifact(gateway.projection.registry, path)
        if stored is None:
            raise UnreadableError(f"there is no artifact {path!r}: upload it with POST /v2/api/artifacts first")
        return gateway.store.open(stored.sha)

    return open_path


def _exists(endpoint: Endpoint) -> ProblemError:
    return ProblemError(409, "endpoint_exists", f"There is an endpoint {endpoint.name!r} already; PUT changes it.")


def _with_signature(endpoint: Endpoint, opener: Opener, *, force: bool) -> Endpoint:
    try:
        return with_signature(endpoint, opener)
    except UnreadableError as error:
        if force:
            return replace(endpoint, problem=f"{error}.")
        message = f"endpoint {endpoint.name!r}: {error}; force=true accepts it all the same."
        raise bad_request("bad_artifact", message) from error


async def append_fact(gateway: Gateway, event: RegistryEvent) -> None:
    """Append to the registry and return once this gateway shows it."""
    try:
        placed = await gateway.append(REGISTRY, registry_key(event), gateway.codec.encode(event))
    except (OutageError, TimeoutError) as error:
        raise unavailable("Kafka does not take the change at present; send it again.") from error
    await gateway.wait_folded(REGISTRY, placed.partition, placed.offset)
