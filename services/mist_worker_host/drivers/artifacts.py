"""Job code, fetched to this machine and kept by content: a file that changes is another file."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from mist_domain.facts.registry import Endpoint

LARGEST_ARTIFACT = 500_000_000
_CHUNK = 1 << 20

Stamp = tuple[int, int, int]


class ArtifactError(Exception):
    """The artifact cannot be read; the text is a sentence for the job's owner."""


class Artifacts:
    """`folder/<sha-256>/<name>` holds each version. Local files are looked at again when they have changed."""

    def __init__(self, folder: Path, store_url: str) -> None:
        self._folder = folder
        self._store_url = store_url
        self._known: dict[str, tuple[Stamp, Path]] = {}
        self._fetching: dict[str, asyncio.Task[Path]] = {}

    def at_hand(self, endpoint: Endpoint) -> Path | None:
        """The copy of an uploaded file, or of a local one that has not changed since it was made."""
        if endpoint.artifact_sha is not None:
            stored = self._folder / endpoint.artifact_sha / endpoint.path
            return stored if stored.exists() else None
        return self._unchanged(endpoint.path)

    def _unchanged(self, path: str) -> Path | None:
        known = self._known.get(path)
        if known is None:
            return None
        stamp, copy = known
        try:
            return copy if stamp == _stamp(_local(path)) and copy.exists() else None
        except OSError:
            return None

    async def fetch(self, endpoint: Endpoint) -> Path:
        """A copy of the uploaded file's content, or of what the path or URL holds now. Raises `ArtifactError`."""
        place = endpoint.artifact_sha or endpoint.path
        task = self._fetching.get(place)
        if task is None:
            fetched = asyncio.to_thread(self._fetch, endpoint.path, endpoint.artifact_sha)
            task = self._fetching[place] = asyncio.create_task(fetched)
            task.add_done_callback(lambda _: self._fetching.pop(place))
        return await asyncio.shield(task)

    def _fetch(self, path: str, sha: str | None) -> Path:
        try:
            if sha is not None:
                return self._fetch_stored(path, sha)
            return self._fetch_local(path) if _is_local(path) else self._fetch_remote(path)
        except FileNotFoundError:
            raise ArtifactError(f"could not read {path}: it does not exist") from None
        except (OSError, ValueError, ImportError) as error:
            raise ArtifactError(f"could not read {path}: {_reason(error)}") from error

    def _fetch_stored(self, name: str, sha: str) -> Path:
        from mist_artifacts import ArtifactStore, StoreError  # noqa: PLC0415 (heavy, and few hosts have uploads)

        try:
            with ArtifactStore(self._store_url).open(sha) as file:
                copy = self._keep(file, name)
        except StoreError as error:
            raise ArtifactError(f"could not read {name}: {error}") from error
        if copy.parent.name != sha:
            raise ArtifactError(f"the artifact store holds something else than {name} under {sha}")
        return copy

    def _fetch_local(self, path: str) -> Path:
        local = _local(path)
        stamp = _stamp(local)
        with local.open("rb") as file:
            copy = self._keep(file, local.name)
        self._known[path] = stamp, copy
        return copy

    def _fetch_remote(self, url: str) -> Path:
        import fsspec  # noqa: PLC0415 (heavy, and most hosts read local files only)

        with fsspec.open(url, "rb") as file:
            return self._keep(file, Path(urlsplit(url).path).name or "artifact")

    def _keep(self, file: BinaryIO, name: str) -> Path:
        """Copy to a temporary folder, then move to the folder named by its content."""
        making = Path(tempfile.mkdtemp(prefix="making-", dir=self._folder))
        try:
            digest = hashlib.sha256()
            with (making / name).open("wb") as copy:
                for chunk in _chunks(file):
                    digest.update(chunk)
                    copy.write(chunk)
            return self._move(making, self._folder / digest.hexdigest(), name)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def _move(self, making: Path, place: Path, name: str) -> Path:
        place.mkdir(exist_ok=True)
        if not (place / name).exists():
            (making / name).replace(place / name)
        os.utime(place)
        return place / name


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    size = 0
    while chunk := file.read(_CHUNK):
        size += len(chunk)
        if size > LARGEST_ARTIFACT:
            raise ValueError(f"it has more than {LARGEST_ARTIFACT:,} bytes")
        yield chunk


def _is_local(path: str) -> bool:
    return "://" not in path or path.startswith("file://")


def _local(path: str) -> Path:
    return Path(path.removeprefix("file://"))


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
