"""Uploaded files: examined (never run), into the store and the registry; endpoints that name them are read again."""

import ast
import asyncio
import hashlib
import zipfile
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import BinaryIO

import structlog

from mist_artifacts import StoreError
from mist_domain.facts.limits import MAX_SOURCE_BYTES
from mist_domain.facts.registry import ArtifactRemoved, ArtifactStored, Endpoint, EndpointDefined, is_name
from mist_domain.registry import find_artifact
from mist_domain.signatures.languages import ARCHIVES, SUFFIXES
from mist_gateway.commands.registry import append_fact, opener_of
from mist_gateway.commands.signatures import UnreadableError, with_signature
from mist_gateway.problems import ProblemError, bad_name, bad_request, unavailable, unknown
from mist_gateway.service import Gateway

ADVICE = "GET /v2/api/artifacts lists all artifacts"

log = structlog.get_logger("mist.gateway")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was received whole; `content` is a temporary file that goes when it is closed."""

    name: str
    content: BinaryIO
    sha: str
    sha1: str
    size: int


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
    """Forget the name. Its content stays in the store: a waiting job may be about to run it."""
    stored = known_artifact(gateway, name)
    await append_fact(gateway, ArtifactRemoved(name=name))
    await _read_signatures_again(gateway, name)
    return stored


def known_artifact(gateway: Gateway, name: str) -> ArtifactStored:
    stored = find_artifact(gateway.projection.registry, name)
    if stored is None:
        raise unknown("artifact", name, ADVICE)
    return stored


def check_name(name: str) -> str:
    """The name, once it is known to be one of an artifact."""
    if not is_name(name):
        raise bad_name("an artifact", name)
    if not name.lower().endswith(SUFFIXES):
        raise bad_request("bad_artifact", f"{name[:80]!r} is no artifact: its name must end in {', '.join(SUFFIXES)}.")
    return name


def file_too_large(limit: int) -> ProblemError:
    message = f"The file is larger than {limit} bytes; put it where Mist can read it, and name its URL as the path."
    return ProblemError(413, "too_large", message)


def _refuse_other(known: ArtifactStored | None, stored: ArtifactStored) -> None:
    if stored.creates and known is not None and known.sha != stored.sha:
        message = f"There is an artifact {stored.name!r} with other content already; force=true replaces it."
        raise ProblemError(409, "artifact_exists", message)


async def _read_signatures_again(gateway: Gateway, name: str) -> None:
    """Give the endpoints whose path is the artifact the signature of its present content."""
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


def _examine(name: str, content: BinaryIO, limit: int) -> Upload:
    """The upload, once its content is known to fit its name and the limit. Blocks while it reads."""
    sha, sha1, size = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), 0
    content.seek(0)
    while chunk := content.read(1 << 20):
        sha.update(chunk)
        sha1.update(chunk)
        size += len(chunk)
    if size > limit:
        raise ProblemError(413, "too_large", f"{name} has {size} bytes; the limit is {limit}.")
    content.seek(0)
    _look_into(name, content, size)
    content.seek(0)
    return Upload(name, content, sha.hexdigest(), sha1.hexdigest(), size)


def _look_into(name: str, content: BinaryIO, size: int) -> None:
    if name.lower().endswith(ARCHIVES):
        _look_into_archive(name, content)
    elif size > MAX_SOURCE_BYTES:
        raise bad_request("bad_artifact", f"{name} has more than {MAX_SOURCE_BYTES} bytes, too many for a source.")
    else:
        _look_into_source(name, content.read())


def _look_into_archive(name: str, content: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(content) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise bad_request("bad_artifact", f"{name} is no archive: {error}.") from error
    for member in members:
        path = PurePosixPath(member.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise bad_request("bad_artifact", f"{name} holds {member[:80]!r}, which lies outside of the archive.")


def _look_into_source(name: str, content: bytes) -> None:
    try:
        text = content.decode()
        if name.lower().endswith(".py"):
            ast.parse(text)
    except UnicodeDecodeError as error:
        raise bad_request("bad_artifact", f"{name} is not UTF-8 (byte {error.start}).") from error
    except SyntaxError as error:
        raise bad_request("bad_artifact", f"{name} is no Python 3: {error.msg} in line {error.lineno}.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise bad_request("bad_artifact", f"{name} is no Python that can be read: {error}.") from error
