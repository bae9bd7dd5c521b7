"""Client for asyncio. `make fmt` generates `plain.py`, the synchronous client, from this file."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mist.client import calls
from mist.client.calls import Call, Start
from mist.client.documents import FINAL, ContextInfo, EndpointInfo, Event, JobInfo, WorkerInfo
from mist.client.errors import JobTimeoutError
from mist.client.feed import FeedPosition, async_connect
from mist.client.retry import Outcome, RetryPolicy

Answer = TypeVar("Answer")
MAX_FRAME_BYTES = 16_000_000

DEFAULT_URL = "http://127.0.0.1:2004"


class AsyncMist:
    """Client of one Mist, over HTTP and WebSocket.

    `urls`: its gateways, any of which answers (`MIST_URL`, else this machine's). `token`: a bearer token (`MIST_TOKEN`).
    `patience`: seconds for which a call that may be repeated is tried again; `timeout`: seconds for one try.
    Methods raise `RefusedError` (or its kinds `NotFoundError`, `ConflictError`, `UnauthorizedError`) or `UnreachableError`.
    """

    def __init__(self, *urls: str, token: str | None = None, patience: float = 60.0, timeout: float = 60.0) -> None:
        self._urls = tuple(url.rstrip("/") for url in urls) or (os.environ.get("MIST_URL", DEFAULT_URL).rstrip("/"),)
        token = token or os.environ.get("MIST_TOKEN")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._patience = patience
        self._http = httpx.AsyncClient(headers=self._headers, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    # -- jobs ----------------------------------------------------------------------------------------------------------

    async def start(
        self, endpoint: str, arguments: Mapping[str, Any] | None = None, options: Start | None = None
    ) -> str:
        """Start a job; returns its id. The request is durable when this returns."""
        return await self._call(calls.start(endpoint, arguments or {}, options or Start()))

    async def run(
        self,
        endpoint: str,
        arguments: Mapping[str, Any] | None = None,
        options: Start | None = None,
        *,
        timeout: float = 3600,
    ) -> JobInfo:
        """Start a job and wait for its end. Raises `JobTimeoutError`."""
        return await self.wait(await self.start(endpoint, arguments, options), timeout=timeout)

    async def wait(self, job_id: str, *, timeout: float = 3600) -> JobInfo:
        """Wait until the job is over. Raises `JobTimeoutError` after `timeout` seconds."""
        end = time.monotonic() + timeout
        wait = 0.02
        while (job := await self.job(job_id))["status"] not in FINAL:
            if time.monotonic() + wait > end:
                raise JobTimeoutError(job_id, timeout)
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, 1.0)
        return job

    async def job(self, job_id: str) -> JobInfo:
        return await self._call(calls.job(job_id))

    async def jobs(
        self, *, status: Iterable[str] = (), limit: int = 25, offset: int = 0, endpoint: str | None = None
    ) -> list[JobInfo]:
        """List jobs, the newest first."""
        return await self._call(calls.jobs(status, limit, offset, endpoint))

    async def cancel(self, job_id: str) -> JobInfo:
        return await self._call(calls.cancel(job_id))

    async def logs(self, job_id: str) -> str:
        return await self._call(calls.logs(job_id))

    async def history(self, job_id: str) -> list[dict[str, Any]]:
        """Every event of the job, with its time, attempt, worker, writer and reason."""
        return await self._call(calls.history(job_id))

    async def job_worker(self, job_id: str) -> WorkerInfo:
        return await self._call(calls.job_worker(job_id))

    # -- the registry --------------------------------------------------------------------------------------------------

    async def endpoints(self) -> list[EndpointInfo]:
        return await self._call(calls.endpoints())

    async def endpoint(self, name: str) -> EndpointInfo:
        return await self._call(calls.endpoint(name))

    async def create_endpoint(self, document: Mapping[str, Any], *, force: bool = False) -> EndpointInfo:
        """Create an endpoint from name, path, className, defaultContext, …; `force` accepts an unreadable artifact."""
        return await self._call(calls.create_endpoint(document, force=force))

    async def update_endpoint(self, document: Mapping[str, Any], *, force: bool = False) -> EndpointInfo:
        return await self._call(calls.update_endpoint(document, force=force))

    async def delete_endpoint(self, name: str) -> EndpointInfo:
        return await self._call(calls.delete_endpoint(name))

    async def contexts(self) -> list[ContextInfo]:
        return await self._call(calls.contexts())

    async def context(self, name: str) -> ContextInfo:
        return await self._call(calls.context(name))

    async def put_context(self, document: Mapping[str, Any]) -> ContextInfo:
        """Create a context, or replace its settings; those left out get their defaults."""
        return await self._call(calls.put_context(document))

    async def delete_context(self, name: str) -> ContextInfo:
        return await self._call(calls.delete_context(name))

    async def artifacts(self) -> list[str]:
        return await self._call(calls.artifacts())

    async def artifact_sha(self, name: str) -> str:
        return await self._call(calls.artifact_sha(name))

    async def upload(self, file: Path, *, force: bool = False) -> str:
        """Upload job code under its file name, which endpoints then use as path; `force` replaces other content."""
        return await self._call(calls.upload(file, force=force))

    async def delete_artifact(self, name: str) -> str:
        return await self._call(calls.delete_artifact(name))

    # -- workers and the service ---------------------------------------------------------------------------------------

    async def workers(self) -> list[WorkerInfo]:
        return await self._call(calls.workers())

    async def stop_worker(self, worker_id: str) -> None:
        """Stop a driver; its jobs fail."""
        await self._call(calls.stop_worker(worker_id))

    async def status(self) -> dict[str, Any]:
        return await self._call(calls.status())

    # -- the feed ------------------------------------------------------------------------------------------------------

    async def events(
        self, *, since: str | None = None, job_id: str | None = None, phases: bool = False, logs: bool = False
    ) -> AsyncIterator[Event]:
        """Follow events as they happen, without gap or repeat, across restarts of gateways.

        Starts now, or after the cursor `since`; for one job it runs from the job's first event to its last.
        `phases` adds the phases between the six statuses; `logs` adds the lines that jobs print.
        """
        feed = FeedPosition(job_id=job_id, since=since or await self._present_cursor(job_id), phases=phases, logs=logs)
        retry = self._new_retry()
        while not feed.ended():
            frames = 0
            try:
                async with async_connect(
                    feed.url(retry.url), additional_headers=self._headers, max_size=MAX_FRAME_BYTES
                ) as socket:
                    async for frame in socket:
                        frames += 1
                        event = feed.read(frame)
                        if event is not None:
                            yield event
                        if feed.ended():
                            break
            except ConnectionClosed as closed:
                feed.raise_if_final(closed.code, closed.reason)
            except InvalidStatus as refused:
                feed.raise_if_refused(refused.response.status_code, refused.response.headers)
            except (OSError, TimeoutError):
                pass
            if frames:
                retry = self._new_retry()
            await self._pause(retry)

    async def _present_cursor(self, job_id: str | None) -> str | None:
        """Cursor of the log's present end, so that nothing is missed before the connection is up."""
        return None if job_id else str((await self.status())["cursor"])

    async def _pause(self, retry: RetryPolicy) -> None:
        await asyncio.sleep(
            retry.wait_after(httpx.ConnectError("the feed cannot be had"), time.monotonic(), repeatable=True) or 0
        )

    # -- sending -------------------------------------------------------------------------------------------------------

    async def _call(self, call: Call[Answer]) -> Answer:
        retry = self._new_retry()
        while True:
            outcome = await self._send(retry.url, call)
            wait = retry.wait_after(outcome, time.monotonic(), repeatable=call.repeatable)
            if wait is None and isinstance(outcome, httpx.Response):
                return calls.read(call, outcome)
            await asyncio.sleep(wait or 0)

    async def _send(self, url: str, call: Call[Answer]) -> Outcome:
        query, headers = dict(call.query), dict(call.headers)
        try:
            if call.upload is None:
                return await self._http.request(
                    call.method, url + call.path, params=query, headers=headers, json=call.json
                )
            with call.upload.open("rb") as file:
                files = {"file": (call.upload.name, file)}
                return await self._http.request(
                    call.method, url + call.path, params=query, headers=headers, files=files
                )
        except httpx.TransportError as error:
            return error

    def _new_retry(self) -> RetryPolicy:
        return RetryPolicy(self._urls, self._patience, time.monotonic())
