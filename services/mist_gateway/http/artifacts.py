"""`/v2/api/artifacts`: uploaded job code."""

import asyncio
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from mist_artifacts import StoreError
from mist_domain.facts.registry import ArtifactStored
from mist_domain.registry import find_artifact
from mist_gateway.commands.artifacts import ADVICE, remove_artifact, store_artifact
from mist_gateway.http.dependencies import ready
from mist_gateway.http.openapi import described, errors, query
from mist_gateway.http.params import read_flag, read_name
from mist_gateway.http.responses import json_answer, text_answer
from mist_gateway.http.uploads import receive
from mist_gateway.problems import unavailable, unknown
from mist_gateway.service import Gateway

router = APIRouter(tags=["artifacts"])

_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"example": "my_job.py"}}}}
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}
_UPLOAD = described(query("force", "Replace one of other content.", "false", type="boolean")) | {
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        }
    }
}
_CHUNK = 1 << 18


@router.get("", response_model=list[str], responses=errors())
async def list_artifacts(request: Request) -> Response:
    """The names of all uploaded files."""
    registry = ready(request).projection.registry
    return json_answer(sorted(registry.artifacts))


@router.post(
    "",
    response_class=Response,
    responses=_TEXT
    | errors(
        e400="No file, a bad name, or not what the name says.",
        e409="It is there with other content.",
        e413="The file is too large.",
    ),
    openapi_extra=_UPLOAD,
)
async def upload_artifact(request: Request) -> Response:
    """Upload a .py, .zip, .egg, .whl, .jar or .sql file; answers its name, which is then a path for endpoints."""
    gateway = ready(request)
    force = read_flag(request.query_params, "force")
    name, content = await receive(request, gateway.settings.artifact_limit)
    with content:
        await store_artifact(gateway, name, content, force=force)
    return text_answer(name)


@router.get(
    "/{name}",
    response_class=Response,
    responses=_FILE | errors(e404="No such artifact."),
)
async def get_artifact(name: str, request: Request) -> Response:
    """The file."""
    gateway = ready(request)
    stored = _known(name, request)
    chunks = _chunks(gateway, stored)
    try:
        first = await asyncio.to_thread(next, chunks, b"")
    except StoreError as error:
        raise unavailable(f"The artifact cannot be read at present: {error}.") from error
    headers = {"content-length": str(stored.size), "etag": f'"{stored.sha}"'}
    return StreamingResponse(_after(first, chunks), headers=headers, media_type="application/octet-stream")


@router.get("/{name}/sha", response_class=Response, responses=_TEXT | errors(e404="No such artifact."))
async def get_sha(name: str, request: Request) -> Response:
    """The SHA-1 of the file, in hex."""
    return text_answer(_known(name, request).sha1)


@router.delete("/{name}", response_class=Response, responses=_TEXT | errors(e404="No such artifact."))
async def delete_artifact(name: str, request: Request) -> Response:
    """Forget an artifact. Jobs that took its content along still run it."""
    await remove_artifact(ready(request), read_name("an artifact", name))
    return text_answer(name)


def _known(name: str, request: Request) -> ArtifactStored:
    stored = find_artifact(ready(request).projection.registry, read_name("an artifact", name))
    if stored is None:
        raise unknown("artifact", name, ADVICE)
    return stored


def _chunks(gateway: Gateway, stored: ArtifactStored) -> Iterator[bytes]:
    with gateway.store.open(stored.sha) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
