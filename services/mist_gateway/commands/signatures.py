"""Job code, read from its path or URL for its signature and never run."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import BinaryIO, cast

import fsspec

from mist_artifacts import StoreError
from mist_domain.facts.limits import MAX_SOURCE_BYTES
from mist_domain.facts.registry import Endpoint
from mist_domain.signatures.languages import PYTHON_ARCHIVES, SUFFIXES, language_of, sql_parameters
from mist_domain.signatures.reader import SignatureError, archive_members, read_signature
from mist_domain.signatures.types import ArgumentType, any_type
from mist_domain.wire.json_text import write_json

Opener = Callable[[str], AbstractContextManager[BinaryIO]]
"""Opens the artifact that an endpoint's path names."""


class UnreadableError(Exception):
    """The artifact cannot be read; the text is a sentence for the client."""


def open_url(path: str) -> AbstractContextManager[BinaryIO]:
    """Open a path or any URL that fsspec knows."""
    return cast("AbstractContextManager[BinaryIO]", fsspec.open(path, "rb"))


def with_signature(endpoint: Endpoint, opener: Opener = open_url) -> Endpoint:
    """The endpoint with the signature of its job. Raises `UnreadableError`. Blocks while it reads."""
    path = endpoint.path
    if language_of(path) is None:
        raise UnreadableError(f"{path} is no job: its name must end in {', '.join(SUFFIXES)}")
    try:
        with opener(path) as file:
            signature = _signature(file, path, endpoint.class_name)
    except SignatureError as error:
        raise UnreadableError(f"{path}: {error}") from error
    except FileNotFoundError as error:
        raise UnreadableError(f"{path} does not exist") from error
    except StoreError as error:
        raise UnreadableError(str(error)) from error
    except (OSError, ValueError, ImportError) as error:
        raise UnreadableError(f"{path} cannot be read: {error}") from error
    return replace(endpoint, signature=write_json(signature), problem=None)


def _signature(file: BinaryIO, path: str, class_name: str) -> dict[str, ArgumentType]:
    match language_of(path):
        case "sql":
            names = sql_parameters(_text(path, file.read(MAX_SOURCE_BYTES + 1)))
            return {name: any_type() for name in names}
        case "java":
            _refuse_missing_class(file, path, class_name.partition("#")[0])
            return {}
        case _:
            return read_signature(*_source(file, path, class_name))


def _refuse_missing_class(file: BinaryIO, path: str, class_name: str) -> None:
    with _archive(file, path) as archive:
        if f"{class_name.replace('.', '/')}.class" not in archive.namelist():
            raise UnreadableError(f"{path} holds no class {class_name}; className is the class's full name")


def _source(file: BinaryIO, path: str, class_name: str) -> tuple[str, str]:
    """The source text, and the job's name in it."""
    if path.lower().endswith(PYTHON_ARCHIVES):
        return _source_in_archive(file, path, class_name)
    return _text(path, file.read(MAX_SOURCE_BYTES + 1)), class_name


def _source_in_archive(file: BinaryIO, path: str, class_name: str) -> tuple[str, str]:
    members, name = archive_members(class_name)
    with _archive(file, path) as archive:
        found = next((member for member in members if member in set(archive.namelist())), None)
        if found is None:
            raise UnreadableError(f"{path} holds none of {', '.join(members)}")
        with archive.open(found) as source:
            return _text(f"{path}/{found}", source.read(MAX_SOURCE_BYTES + 1)), name


@contextmanager
def _archive(file: BinaryIO, path: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise UnreadableError(f"{path} is no archive: {error}") from error


def _text(place: str, content: bytes) -> str:
    if len(content) > MAX_SOURCE_BYTES:
        raise UnreadableError(f"{place} has more than {MAX_SOURCE_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{place} is not UTF-8 (byte {error.start})") from error
