"""Job code fetched from where it lies to this machine, kept by content: a file that changes is another file."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

LARGEST_ARTIFACT = 500_000_000
_CHUNK = 1 << 20

Stamp = tuple[int, int, int]


class ArtifactError(Exception):
    """The artifact cannot be read; the text is a sentence for the job's owner."""


class Artifacts:
    """`folder/<sha-256>/<name>` holds each version. Local files are looked at again when they have changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[Stamp, Path]] = {}
        self._fetching: dict[str, asyncio.Task[Path]] = {}

    def at_hand(self, path: str) -> Path | None:
        """The copy of a local file that has not changed since it was made."""
        known = self._known.get(path)
        if known is None:
            return None
        stamp, copy = known
        try:
            return copy if stamp == _stamp(_local(path)) and copy.exists() else None
        except OSError:
            return None

    async def fetch(self, path: str) -> Path:
        """A copy of what the path or URL holds now. Raises `ArtifactError`."""
        task = self._fetching.get(path)
        if task is None:
            task = self._fetching[path] = asyncio.create_task(asyncio.to_thread(self._fetch, path))
            task.add_done_callback(lambda _: self._fetching.pop(path))
        return await asyncio.shield(task)

    def _fetch(self, path: str) -> Path:
        try:
            return self._fetch_local(path) if _is_local(path) else self._fetch_remote(path)
        except FileNotFoundError:
            raise ArtifactError(f"could not read {path}: it does not exist") from None
        except (OSError, ValueError, ImportError) as error:
            raise ArtifactError(f"could not read {path}: {_said(error)}") from error

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
        """Copy to a place of its own, then move to where its content says."""
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


def _said(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
