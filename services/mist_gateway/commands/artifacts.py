"""Uploaded files into the store and the registry, and what that means for the endpoints that name them."""

import asyncio
from dataclasses import replace
from typing import BinaryIO

import structlog

from mist_artifacts import StoreError
from mist_domain.facts.registry import ArtifactRemoved, ArtifactStored, Endpoint, EndpointDefined
from mist_domain.registry import find_artifact
from mist_gateway.commands.registry import append_fact, opener_of
from mist_gateway.commands.signatures import UnreadableError, with_signature
from mist_gateway.http.uploads import Upload, examine
from mist_gateway.problems import Problem, unavailable, unknown
from mist_gateway.service import Gateway

ADVICE = "GET /v2/api/artifacts lists those there are"

log = structlog.get_logger("mist.gateway")


async def store_artifact(gateway: Gateway, name: str, content: BinaryIO, *, force: bool) -> ArtifactStored:
    """Keep the file under its name. The same content again is fine; other content only with `force`."""
    upload = await asyncio.to_thread(_examine, name, content, gateway.settings.artifact_limit)
    await gateway.read_registry()
    stored = ArtifactStored(name=name, sha=upload.sha, sha1=upload.sha1, size=upload.size, creates=not force)
    _refuse_other(find_artifact(gateway.projection.registry, name), stored)
    try:
        await asyncio.to_thread(gateway.store.put, upload.content, upload.sha)
    except StoreError as error:
        log.warning("artifact-not-stored", name=name, reason=str(error))
        raise unavailable("The artifact store does not take the file at present; send it again.") from error
    await append_fact(gateway, stored)
    _refuse_other(find_artifact(gateway.projection.registry, name), stored)
    await _read_signatures_again(gateway, name)
    return stored


async def remove_artifact(gateway: Gateway, name: str) -> ArtifactStored:
    """Forget the name. Its content stays in the store: a job that waits may be about to run it."""
    stored = find_artifact(gateway.projection.registry, name)
    if stored is None:
        raise unknown("artifact", name, ADVICE)
    await append_fact(gateway, ArtifactRemoved(name=name))
    await _read_signatures_again(gateway, name)
    return stored


def _examine(name: str, content: BinaryIO, limit: int) -> Upload:
    upload = examine(name, content)
    if upload.size > limit:
        raise Problem(413, "too_large", f"{name} has {upload.size} bytes; at most {limit} are taken.")
    return upload


def _refuse_other(known: ArtifactStored | None, stored: ArtifactStored) -> None:
    if stored.creates and known is not None and known.sha != stored.sha:
        message = f"There is an artifact {stored.name!r} with other content already; force=true replaces it."
        raise Problem(409, "artifact_exists", message)


async def _read_signatures_again(gateway: Gateway, name: str) -> None:
    """The endpoints whose path the artifact is take the signature of its content now."""
    users = [endpoint for endpoint in gateway.projection.registry.endpoints.values() if endpoint.path == name]
    for endpoint in users:
        now = await asyncio.to_thread(_read_again, gateway, endpoint)
        if now != endpoint:
            await append_fact(gateway, EndpointDefined(endpoint=now))


def _read_again(gateway: Gateway, endpoint: Endpoint) -> Endpoint:
    try:
        return with_signature(endpoint, opener_of(gateway))
    except UnreadableError as error:
        return replace(endpoint, problem=f"{error}.")
