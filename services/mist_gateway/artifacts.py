"""Job code where it lies: read through fsspec for its signature, never run."""

import io
import zipfile
from dataclasses import replace

import fsspec

from mist_domain.registry import Endpoint
from mist_domain.signature import SignatureError, archive_members, read_signature
from mist_domain.start_json import write_json

ARCHIVES = (".zip", ".egg", ".whl")
LARGEST_SOURCE = 10_000_000
LARGEST_ARCHIVE = 500_000_000


class UnreadableError(Exception):
    """The artifact cannot be read; the text is a sentence for the client."""


def with_signature(endpoint: Endpoint) -> Endpoint:
    """The endpoint with the signature of its job. Raises `UnreadableError`. Blocks while it reads."""
    source, name = _source(endpoint.path, endpoint.class_name)
    try:
        signature = read_signature(source, name)
    except SignatureError as error:
        raise UnreadableError(f"{endpoint.path}: {error}") from error
    return replace(endpoint, signature=write_json(signature))


def _source(path: str, class_name: str) -> tuple[str, str]:
    """The source text, and the job's name in it."""
    if path.lower().endswith(ARCHIVES):
        return _source_in_archive(path, class_name)
    if not path.lower().endswith(".py"):
        raise UnreadableError(f"{path} is no Python: a job is in a .py, .zip, .egg or .whl file")
    return _text(path, _read(path, LARGEST_SOURCE)), class_name


def _source_in_archive(path: str, class_name: str) -> tuple[str, str]:
    try:
        members, name = archive_members(class_name)
        with zipfile.ZipFile(io.BytesIO(_read(path, LARGEST_ARCHIVE))) as archive:
            found = next((member for member in members if member in set(archive.namelist())), None)
            if found is None:
                raise UnreadableError(f"{path} holds none of {', '.join(members)}")
            return _text(f"{path}/{found}", archive.read(found)), name
    except SignatureError as error:
        raise UnreadableError(f"{path}: {error}") from error
    except zipfile.BadZipFile as error:
        raise UnreadableError(f"{path} is no archive: {error}") from error


def _read(path: str, limit: int) -> bytes:
    try:
        with fsspec.open(path, "rb") as file:
            content: bytes = file.read(limit + 1)
    except FileNotFoundError as error:
        raise UnreadableError(f"{path} does not exist") from error
    except (OSError, ValueError, ImportError) as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from error
    if len(content) > limit:
        raise UnreadableError(f"{path} has more than {limit} bytes")
    return content


def _text(place: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{place} is not UTF-8 (byte {error.start})") from error
