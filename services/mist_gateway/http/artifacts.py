"""`/v2/api/artifacts`: uploaded job code. A file is received in pieces up to a limit, never whole in memory."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import Response, StreamingResponse

from mist_artifacts import StoreError
from mist_domain.facts.registry import ArtifactStored
from mist_gateway.commands import artifacts
from mist_gateway.http import dependencies, openapi
from mist_gateway.http.answers import json_answer, text_answer
from mist_gateway.http.validation import Flag
from mist_gateway.problems import bad_request, unavailable
from mist_gateway.service import Gateway

router = APIRouter(tags=["artifacts"])

_CHUNK = 1 << 18
_MULTIPART_OVERHEAD = 100_000
"""Bytes that a multipart body may have besides its file."""

_NAME = openapi.text("my_job.py")
_NO_ARTIFACT = openapi.errors(e404="No such artifact.")
_FILE: openapi.Responses = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
_UPLOAD = openapi.body(
    {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}},
    None,
    "multipart/form-data",
)


@router.get("", response_model=list[str], responses=openapi.errors())
async def list_artifacts(gateway: dependencies.ReadyGateway) -> Response:
    """List the names of all uploaded files."""
    return json_answer(sorted(gateway.projection.registry.artifacts))


@router.post(
    "",
    response_class=Response,
    responses=_NAME
    | openapi.errors(
        e400="No file, a bad name, or content that does not fit the name.",
        e409="It exists with other content.",
        e413="The file is too large.",
    ),
    openapi_extra=_UPLOAD,
)
async def upload_artifact(
    gateway: dependencies.ReadyGateway,
    request: Request,
    *,
    force: Annotated[Flag, Query(description="Replace an artifact of other content.")] = False,
) -> Response:
    """Upload a .py, .zip, .egg, .whl, .jar or .sql file; answers its name, which is then a path for endpoints."""
    name, content = await _receive(request, gateway.settings.artifact_limit)
    with content:
        await artifacts.store_artifact(gateway, name, content, force=force)
    return text_answer(name)


@router.get("/{name}", response_class=Response, responses=_FILE | _NO_ARTIFACT)
async def get_artifact(name: dependencies.Name, gateway: dependencies.ReadyGateway) -> Response:
    """Download the file."""
    stored = artifacts.known_artifact(gateway, name)
    chunks = _chunks(gateway, stored)
    try:
        first = await asyncio.to_thread(next, chunks, b"")
    except StoreError as error:
        raise unavailable(f"The artifact cannot be read at present: {error}.") from error
    headers = {"content-length": str(stored.size), "etag": f'"{stored.sha}"'}
    return StreamingResponse(_after(first, chunks), headers=headers, media_type="application/octet-stream")


@router.get(
    "/{name}/sha",
    response_class=Response,
    responses=openapi.text("da39a3ee5e6b4b0d3255bfef95601890afd80709") | _NO_ARTIFACT,
)
async def get_sha(name: dependencies.Name, gateway: dependencies.ReadyGateway) -> Response:
    """Get the SHA-1 of the file, in hex."""
    return text_answer(artifacts.known_artifact(gateway, name).sha1)


@router.delete("/{name}", response_class=Response, responses=_NAME | _NO_ARTIFACT)
async def delete_artifact(name: dependencies.Name, gateway: dependencies.ReadyGateway) -> Response:
    """Forget an artifact. Jobs that were started with its content still run it."""
    await artifacts.remove_artifact(gateway, name)
    return text_answer(name)


def _chunks(gateway: Gateway, stored: ArtifactStored) -> Iterator[bytes]:
    with gateway.store.open(stored.sha) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


async def _receive(request: Request, limit: int) -> tuple[str, BinaryIO]:
    """The file name and content of the multipart field `file`, in a temporary file. Raises `ProblemError`."""
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        raise bad_request("bad_upload", "Send the file as multipart/form-data, in the field 'file'.")
    try:
        form = await MultiPartParser(request.headers, _limited(request, limit)).parse()
    except (MultiPartException, KeyError) as error:
        raise bad_request("bad_upload", f"The multipart body cannot be read: {error}.") from error
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise bad_request("bad_upload", "The multipart body has no whole field 'file' with a file name.")
    return artifacts.check_name(file.filename), file.file


async def _limited(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The body in chunks; 413 as soon as it is known to hold more than a file of `limit` bytes."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit + _MULTIPART_OVERHEAD:
        raise artifacts.file_too_large(limit)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit + _MULTIPART_OVERHEAD:
            raise artifacts.file_too_large(limit)
        yield chunk
