"""Endpoints, contexts and artifacts: the facts of `mist.registry`.

Durations are milliseconds; `None` means without limit.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mist_domain.facts.limits import MAX_NAME_LENGTH

Mode = Literal["shared", "exclusive"]
MODE_WORDS: Mapping[str, Mode] = {"shared": "shared", "exclusive": "exclusive", "exlusive": "exclusive"}
"""The words clients write for a mode; `exlusive` is the spelling of the original Mist's specification."""

DEFAULT_CONTEXT = "default"
NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_NAME_LENGTH}}}")
NAME_RULE = f"1 to {MAX_NAME_LENGTH} letters, digits, '_', '.' or '-', and not dots alone"


def is_name(text: str) -> bool:
    """True when `text` may name an endpoint, a context or an artifact; dots alone would be a path."""
    return NAME.fullmatch(text) is not None and text.strip(".") != ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint: job code that clients can start. `signature` is JSON text of its argument types, `{}` if unreadable."""

    name: str
    lang: str = "python"
    path: str
    class_name: str
    default_context: str = DEFAULT_CONTEXT
    tags: tuple[str, ...] = ()
    signature: str = "{}"
    artifact_sha: str | None = None
    retries: int = 0
    start_timeout: int | None = None
    perform_timeout: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A named group of Spark settings."""

    name: str
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    max_jobs: int = 20
    downtime: int | None = 3_600_000
    precreated: bool = False
    spares: int = 0
    run_options: str = ""
    worker_mode: Mode = "shared"
    streaming_duration: int = 1_000
    start_timeout: int | None = None
    perform_timeout: int | None = None
    max_queued: int = 10_000


def context_hash(context: Context) -> str:
    """Hash the settings with which a driver of the context starts; 16 hex digits."""
    asked = (context.name, sorted(context.spark_conf.items()), context.max_jobs, context.run_options)
    return hashlib.blake2b(repr(asked).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDefined:
    """`creates`: counts only where there is none of that name, so of two that create one the first does."""

    endpoint: Endpoint
    creates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRemoved:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDefined:
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRemoved:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactStored:
    """An uploaded file; `sha` is the SHA-256 of its content, in hex, and also its place in the store.

    `sha1` is what clients compare. `creates`: counts only where there is none of that name.
    """

    name: str
    sha: str
    sha1: str
    size: int
    creates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRemoved:
    name: str


RegistryEvent = EndpointDefined | EndpointRemoved | ContextDefined | ContextRemoved | ArtifactStored | ArtifactRemoved


def registry_key(event: RegistryEvent) -> str:
    """The record's key on `mist.registry`: `endpoint/NAME`, `context/NAME` or `artifact/NAME`."""
    match event:
        case EndpointDefined():
            return f"endpoint/{event.endpoint.name}"
        case EndpointRemoved():
            return f"endpoint/{event.name}"
        case ContextDefined():
            return f"context/{event.context.name}"
        case ContextRemoved():
            return f"context/{event.name}"
        case ArtifactStored() | ArtifactRemoved():
            return f"artifact/{event.name}"
