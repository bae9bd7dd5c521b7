"""The store: one object for each content, under its SHA-256. What stands there is whole and never changes."""

import contextlib
import re
import shutil
import uuid
from collections.abc import Iterator
from typing import Any, BinaryIO

import fsspec

_SHA = re.compile(r"[0-9a-f]{64}")


class StoreError(Exception):
    """The store cannot be reached, or does not hold what it should; the text is a sentence."""


class ArtifactStore:
    """`url` is a folder, or any URL that fsspec opens (`s3://bucket/mist`). Everything blocks: call it from a thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._sentences():
            self._files, self._root = fsspec.url_to_fs(url)

    def put(self, content: BinaryIO, sha: str) -> None:
        """Keep what `content` holds from where it stands on. Nothing is seen under `sha` before all of it is there."""
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
        """The content, to be read from any place. Raises `StoreError`."""
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
            raise StoreError(f"the artifact store {self._url} failed: {_said(error)}") from error


def _said(error: Any) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
