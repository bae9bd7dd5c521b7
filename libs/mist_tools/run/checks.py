"""Checks before anything starts, one sentence for each that fails; and the wait until all is ready."""

import asyncio
import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from mist_tools.local_kafka import is_free
from mist_tools.run.settings import CannotRunError, RunSettings

NEEDED_BYTES = 500_000_000
READY_SECONDS = 90.0
PAUSE_SECONDS = 0.1


def check_files(settings: RunSettings) -> None:
    """Refuse an installation without the repository's files, such as one from a wheel."""
    for file, setting in ((settings.procfile, "MIST_PROCFILE"), (settings.entries, "MIST_ENTRIES")):
        if not file.is_file():
            raise CannotRunError(f"{file} is missing: run Mist from a checkout, or name another file by {setting}")


def check_ports(settings: RunSettings) -> None:
    """Refuse ports that are in use."""
    ports = [(settings.kafka_port, "Kafka", "MIST_KAFKA_PORT"), (settings.http_port, "the API", "MIST_HTTP_PORT")]
    if settings.starts_mqtt:
        ports.append((settings.mqtt_port, "MQTT", "MIST_MQTT_PORT"))
    for port, what, setting in ports:
        if not is_free(port):
            raise CannotRunError(
                f"port {port}, {what}'s, is in use: end what listens there, or choose another by {setting}"
            )


def check_disk(folder: Path) -> None:
    """Refuse a disk with less than `NEEDED_BYTES` free."""
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise CannotRunError(
            f"{folder} has {free // 10**6} MB free, and Mist needs {NEEDED_BYTES // 10**6} MB there: "
            "make room, or choose another folder by MIST_FOLDER"
        )


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Hold the folder for this run; refuse one that another run holds."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise CannotRunError(
            f"nothing can be kept in {folder}: {error}; choose another folder by MIST_FOLDER"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRunError(f"another Mist runs in {folder}: end it, or choose another by MIST_FOLDER") from None
        yield


async def wait_ready(settings: RunSettings) -> None:
    """Return when a job can be started; `CannotRunError` tells what is still missing after `READY_SECONDS`."""
    missing: str | None = "the gateway does not answer"
    try:
        async with asyncio.timeout(READY_SECONDS), http_client(settings) as http:
            while missing := await _missing(http):  # noqa: ASYNC110 (another process has no event to wait for)
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        raise CannotRunError(
            f"Mist is not ready after {READY_SECONDS:.0f} s: {missing}; see the logs in {settings.logs}"
        ) from None


def http_client(settings: RunSettings) -> httpx.AsyncClient:
    """A client of the gateway, whatever proxies the environment names."""
    return httpx.AsyncClient(base_url=f"http://{settings.address}", trust_env=False)


async def _missing(http: httpx.AsyncClient) -> str | None:
    try:
        ready = await http.get("/readyz")
        if ready.status_code != httpx.codes.OK:
            return f"the gateway says {ready.text.strip()!r}"
        status = (await http.get("/v2/api/status")).json()
    except httpx.TransportError:
        return "the gateway does not answer"
    return None if status["hosts"] else "no worker host is alive"
