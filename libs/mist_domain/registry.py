"""The registry as the fold of `mist.registry`: which endpoints, contexts and artifacts there are now.

Order: tables, fold, queries.
"""

from dataclasses import dataclass, field, replace

from mist_domain.facts.registry import (
    DEFAULT_CONTEXT,
    ArtifactRemoved,
    ArtifactStored,
    Context,
    ContextDefined,
    ContextRemoved,
    Endpoint,
    EndpointDefined,
    EndpointRemoved,
    RegistryEvent,
    is_name,
)


@dataclass(slots=True)
class Registry:
    """Three tables by name. Only `fold_registry` writes to them."""

    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    contexts: dict[str, Context] = field(default_factory=dict)
    artifacts: dict[str, ArtifactStored] = field(default_factory=dict)


def fold_registry(registry: Registry, event: RegistryEvent) -> None:
    """Fold one fact, in place. The last definition of a name counts; of those with `creates`, the first."""
    match event:
        case EndpointDefined():
            if not (event.creates and event.endpoint.name in registry.endpoints):
                registry.endpoints[event.endpoint.name] = event.endpoint
        case ContextDefined():
            registry.contexts[event.context.name] = event.context
        case ArtifactStored():
            if not (event.creates and event.name in registry.artifacts):
                registry.artifacts[event.name] = event
        case EndpointRemoved():
            registry.endpoints.pop(event.name, None)
        case ContextRemoved():
            registry.contexts.pop(event.name, None)
        case ArtifactRemoved():
            registry.artifacts.pop(event.name, None)


def is_in_effect(registry: Registry, event: RegistryEvent) -> bool:
    """True when the registry is already as the event would leave it."""
    match event:
        case EndpointDefined():
            return registry.endpoints.get(event.endpoint.name) == event.endpoint
        case ContextDefined():
            return registry.contexts.get(event.context.name) == event.context
        case ArtifactStored():
            return registry.artifacts.get(event.name) == event
        case EndpointRemoved():
            return event.name not in registry.endpoints
        case ContextRemoved():
            return event.name not in registry.contexts
        case ArtifactRemoved():
            return event.name not in registry.artifacts


def find_endpoint(registry: Registry, name: str) -> Endpoint | None:
    return registry.endpoints.get(name)


def find_artifact(registry: Registry, name: str) -> ArtifactStored | None:
    return registry.artifacts.get(name)


def find_context(registry: Registry, name: str) -> Context:
    """The context of that name; an unknown one has the settings of `default` under its own name."""
    context = registry.contexts.get(name)
    if context is not None:
        return context
    return replace(registry.contexts.get(DEFAULT_CONTEXT) or Context(name=name), name=name)


def names_artifact(path: str) -> bool:
    """True when an endpoint's path is the name of an uploaded artifact rather than a URL or a file path."""
    return "://" not in path and is_name(path)


def resolve_endpoint(registry: Registry, name: str) -> Endpoint | None:
    """The endpoint as a job carries it: with the SHA-256 of the artifact that its path names now."""
    endpoint = registry.endpoints.get(name)
    if endpoint is None or not names_artifact(endpoint.path):
        return endpoint
    stored = registry.artifacts.get(endpoint.path)
    return replace(endpoint, artifact_sha=None if stored is None else stored.sha)


def unknown_endpoint(name: str) -> Endpoint:
    """The placeholder that a job of an undefined endpoint carries; it has nothing to run."""
    return Endpoint(name=name, path="", class_name="")
