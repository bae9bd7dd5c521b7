"""Writing endpoints and contexts: checked, appended to the registry, shown here when they are answered."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, BinaryIO

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
from mist_domain.wire.json_text import read_json
from mist_eventlog import OutageError
from mist_eventlog.topics.names import REGISTRY
from mist_gateway.commands.signatures import Opener, UnreadableError, open_url, with_signature
from mist_gateway.http.definitions import (
    CONTEXT_FIELDS,
    OLD_CONTEXT_FIELDS,
    context_fields,
    endpoint_fields,
    read_context,
    read_endpoint,
)
from mist_gateway.problems import Problem, bad_request, unavailable, unknown
from mist_gateway.service import Gateway

ENDPOINTS_ADVICE = "GET /v2/api/endpoints lists those there are"
CONTEXTS_ADVICE = "GET /v2/api/contexts lists those there are"


async def define_endpoint(gateway: Gateway, body: bytes, *, new: bool, force: bool) -> Endpoint:
    """Create an endpoint, or change one that is there. `force` takes one whose artifact cannot be read."""
    endpoint = read_endpoint(endpoint_fields(_read_object(body)))
    await gateway.read_registry()
    exists = find_endpoint(gateway.projection.registry, endpoint.name) is not None
    if new and exists:
        raise _exists(endpoint)
    if not new and not exists:
        raise unknown("endpoint", endpoint.name, "POST creates it")
    endpoint = await asyncio.to_thread(_with_signature, endpoint, opener_of(gateway), force=force)
    await append_fact(gateway, EndpointDefined(endpoint=endpoint, creates=new))
    if new and find_endpoint(gateway.projection.registry, endpoint.name) != endpoint:
        raise _exists(endpoint)
    return endpoint


async def remove_endpoint(gateway: Gateway, name: str) -> Endpoint:
    endpoint = find_endpoint(gateway.projection.registry, name)
    if endpoint is None:
        raise unknown("endpoint", name, ENDPOINTS_ADVICE)
    await append_fact(gateway, EndpointRemoved(name=name))
    return endpoint


async def define_context(gateway: Gateway, body: bytes, *, new: bool) -> Context:
    """Create a context from the default's settings, or (`new` is false) change one that is there."""
    fields = context_fields(_read_object(body))
    fields.refuse_others((*CONTEXT_FIELDS, *OLD_CONTEXT_FIELDS))
    name = fields.name("name")
    await gateway.read_registry()
    _refuse_default(name)
    if not new and name not in gateway.projection.registry.contexts:
        raise unknown("context", name, "POST creates it")
    base = find_context(gateway.projection.registry, DEFAULT_CONTEXT if new else name)
    context = read_context(fields, base)
    await append_fact(gateway, ContextDefined(context=context))
    return context


async def remove_context(gateway: Gateway, name: str) -> Context:
    _refuse_default(name)
    if name not in gateway.projection.registry.contexts:
        raise unknown("context", name, CONTEXTS_ADVICE)
    context = find_context(gateway.projection.registry, name)
    await append_fact(gateway, ContextRemoved(name=name))
    return context


def _read_object(body: bytes) -> Mapping[str, Any]:
    value = read_json(body)
    if not isinstance(value, dict):
        raise bad_request("not_an_object", "The body must be a JSON object with at least a name.")
    return value


def _refuse_default(name: str) -> None:
    if name == DEFAULT_CONTEXT:
        raise bad_request("default_context", "The context 'default' cannot be created, changed or removed over REST.")


def opener_of(gateway: Gateway) -> Opener:
    """Opens uploaded files by their names, and everything else by its path or URL."""

    def open_path(path: str) -> AbstractContextManager[BinaryIO]:
        if not names_artifact(path):
            return open_url(path)
        stored = find_artifact(gateway.projection.registry, path)
        if stored is None:
            raise UnreadableError(f"there is no artifact {path!r}: upload it with POST /v2/api/artifacts first")
        return gateway.store.open(stored.sha)

    return open_path


def _exists(endpoint: Endpoint) -> Problem:
    return Problem(409, "endpoint_exists", f"There is an endpoint {endpoint.name!r} already; PUT changes it.")


def _with_signature(endpoint: Endpoint, opener: Opener, *, force: bool) -> Endpoint:
    try:
        return with_signature(endpoint, opener)
    except UnreadableError as error:
        if force:
            return replace(endpoint, problem=f"{error}.")
        message = f"endpoint {endpoint.name!r}: {error}; force=true takes it all the same."
        raise bad_request("bad_artifact", message) from error


async def append_fact(gateway: Gateway, event: RegistryEvent) -> None:
    """Append to the registry and return once this gateway shows it."""
    try:
        placed = await gateway.append(REGISTRY, registry_key(event), gateway.codec.encode(event))
    except (OutageError, TimeoutError) as error:
        raise unavailable("Kafka does not take the change at present; send it again.") from error
    await gateway.wait_folded(REGISTRY, placed.partition, placed.offset)
