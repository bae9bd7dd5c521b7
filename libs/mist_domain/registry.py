"""Endpoints, contexts and artifacts: the facts of `mist.registry` and their fold.

Order: facts, fold, queries. Durations are milliseconds; `None` means without limit.
"""

from dataclasses import replace

from mist_domain.facts.registry import (
    DEFAULT_CONTEXT,
    ArtifactStored,
    Context,
    Endpoint,
    EndpointDefined,
    RegistryEntry,
    RegistryEvent,
    is_name,
    registry_entry,
    registry_key,
)

Registry = dict[str, RegistryEntry]


def fold_registry(registry: Registry, event: RegistryEvent) -> None:
    """Take one fact into the registry, in place: the last one under a key counts, of creating ones the first."""
    key, entry = registry_key(event), registry_entry(event)
    if isinstance(event, EndpointDefined | ArtifactStored) and event.creates and key in registry:
        return
    if entry is None:
        registry.pop(key, None)
    else:
        registry[key] = entry


def find_endpoint(registry: Registry, name: str) -> Endpoint | None:
    entry = registry.get(f"endpoint/{name}")
    return entry if isinstance(entry, Endpoint) else None


def find_artifact(registry: Registry, name: str) -> ArtifactStored | None:
    entry = registry.get(f"artifact/{name}")
    return entry if isinstance(entry, ArtifactStored) else None


def names_artifact(path: str) -> bool:
    """Whether an endpoint's path is the name of an uploaded file, rather than a URL or a path."""
    return "://" not in path and is_name(path)


def resolve_endpoint(registry: Registry, name: str) -> Endpoint | None:
    """The endpoint as a job takes it along: with the content that its path names now."""
    endpoint = find_endpoint(registry, name)
    if endpoint is None or not names_artifact(endpoint.path):
        return endpoint
    stored = find_artifact(registry, endpoint.path)
    return replace(endpoint, artifact_sha=None if stored is None else stored.sha)


def unknown_endpoint(name: str) -> Endpoint:
    """What a job carries whose endpoint nobody has defined: there is nothing to run."""
    return Endpoint(name=name, path="", class_name="")


def find_context(registry: Registry, name: str) -> Context:
    """The context of that name; an unknown one is the default's settings under that name (WIRE: legal)."""
    entry = registry.get(f"context/{name}")
    if isinstance(entry, Context):
        return entry
    default = registry.get(f"context/{DEFAULT_CONTEXT}")
    return replace(default if isinstance(default, Context) else Context(name=name), name=name)
