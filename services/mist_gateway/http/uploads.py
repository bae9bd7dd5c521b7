"""An uploaded file on its way in: received in pieces up to a limit, looked at, never run, never whole in memory."""

import ast
import hashlib
import zipfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from mist_domain.facts.limits import MAX_SOURCE_BYTES
from mist_domain.facts.registry import is_name
from mist_domain.signatures.languages import ARCHIVES, SUFFIXES
from mist_gateway.problems import Problem, bad_name, bad_request

_AROUND = 100_000
"""Bytes that a multipart body may have besides its file."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was received whole; `content` is a temporary file that goes when it is closed."""

    name: str
    content: BinaryIO
    sha: str
    sha1: str
    size: int


async def receive(request: Request, limit: int) -> tuple[str, BinaryIO]:
    """The name and content of the multipart field `file`. Raises `Problem`."""
    if "multipart/form-data" not in request.headers.get("content-type", ""):
        raise bad_request("bad_upload", "Send the file as multipart/form-data, in the field 'file'.")
    try:
        form = await MultiPartParser(request.headers, _up_to(request, limit)).parse()
    except (MultiPartException, KeyError) as error:
        raise bad_request("bad_upload", f"The multipart body cannot be read: {error}.") from error
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise bad_request("bad_upload", "The multipart body has no whole field 'file' with a file name.")
    return _named(file.filename), file.file


def examine(name: str, content: BinaryIO) -> Upload:
    """What was received, once it is known to be what its name says. Raises `Problem`. Blocks while it reads."""
    sha, sha1, size = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), 0
    content.seek(0)
    while chunk := content.read(1 << 20):
        sha.update(chunk)
        sha1.update(chunk)
        size += len(chunk)
    content.seek(0)
    _look_into(name, content, size)
    content.seek(0)
    return Upload(name, content, sha.hexdigest(), sha1.hexdigest(), size)


async def _up_to(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    most = limit + _AROUND
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > most:
        raise _too_large(limit)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(limit)
        yield chunk


def _too_large(limit: int) -> Problem:
    message = f"The file is larger than {limit} bytes; put it where Mist can read it, and name its URL as the path."
    return Problem(413, "too_large", message)


def _named(name: str) -> str:
    if not is_name(name):
        raise bad_name("an artifact", name)
    if not name.lower().endswith(SUFFIXES):
        raise bad_request("bad_artifact", f"{name[:80]!r} is no artifact: its name must end in {', '.join(SUFFIXES)}.")
    return name


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
