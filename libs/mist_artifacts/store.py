"""The artifact store: one object for each content, under its SHA-256. An object is complete and never changes."""

import contextlib
import re
import shutil
import uuid
from collections.abc import Iterator
from typing import Any, BinaryIO

import fsspec

_SHA = re.compile(r"[0-9a-f]{64}")


class StoreError(Exception):
    """The store cannot be reached or lacks the content; the text is a sentence."""


class ArtifactStore:
    """`url` is a folder, or any URL that fsspec opens (`s3://bucket/mist`). All methods block: call them from a thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._sentences():
            self._files, self._root = fsspec.url_to_fs(url)

    def put(self, content: BinaryIO, sha: str) -> None:
        """Store the rest of `content` under its hex SHA-256, atomically; no-op if it is there. Raises `StoreError`."""
        place, making = self._place(sha), f"{self._root}/making-{uuid.uuid4().hex}"
        with self._sentences():
            if self._files.exists(place):
                return
            self._files.makedirs(self._root, exist_ok=True)
            try:
                with self._files.open(making, "wb") as file:
                    shutil.copyfileobj(content, file, 1 << 20)
                self._files.mv(making, place)
            except BaseException:
                self._drop(making)
                raise

    @contextlib.contextmanager
    def open(self, sha: str) -> Iterator[BinaryIO]:
        """Open the content for reading; it can be sought. Raises `StoreError`."""
        with self._sentences(), self._files.open(self._place(sha), "rb") as file:
            yield file

    def _place(self, sha: str) -> str:
        if not _SHA.fullmatch(sha):
            raise StoreError(f"{sha[:80]!r} is no SHA-256 in hex")
        return f"{self._root}/{sha}"

    def _drop(self, path: str) -> None:
        with contextlib.suppress(Exception):
            self._files.rm(path)

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise StoreError(f"the artifact store {self._url} does not hold it: {error}") from error
        except (OSError, ValueError, ImportError) as error:
            raise StoreError(f"the artifact store {self._url} failed: {_text_of(error)}") from error


def _text_of(error: Any) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
