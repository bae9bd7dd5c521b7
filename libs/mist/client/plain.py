"""Synchronous client. Generated from `aio.py` by `make fmt`: change that file, not this one."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mist.client import calls
from mist.client.calls import Call, Start
from mist.client.documents import FINAL, ContextInfo, EndpointInfo, Event, JobInfo, WorkerInfo
from mist.client.errors import JobTimeoutError
from mist.client.feed import FeedPosition, sync_connect
from mist.client.retry import Outcome, RetryPolicy

Answer = TypeVar("Answer")
MAX_FRAME_BYTES = 16_000_000

DEFAULT_URL = "http://127.0.0.1:2004"


class Mist:
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
        self._http = httpx.Client(headers=self._headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # -- jobs ----------------------------------------------------------------------------------------------------------

    def start(self, endpoint: str, arguments: Mapping[str, Any] | None = None, options: Start | None = None) -> str:
        """Start a job; returns its id. The request is durable when this returns."""
        return self._call(calls.start(endpoint, arguments or {}, options or Start()))

    def run(
        self,
        endpoint: str,
        arguments: Mapping[str, Any] | None = None,
        options: Start | None = None,
        *,
        timeout: float = 3600,
    ) -> JobInfo:
        """Start a job and wait for its end. Raises `JobTimeoutError`."""
        return self.wait(self.start(endpoint, arguments, options), timeout=timeout)

    def wait(self, job_id: str, *, timeout: float = 3600) -> JobInfo:
        """Wait until the job is over. Raises `JobTimeoutError` after `timeout` seconds."""
        end = time.monotonic() + timeout
        wait = 0.02
        while (job := self.job(job_id))["status"] not in FINAL:
            if time.monotonic() + wait > end:
                raise JobTimeoutError(job_id, timeout)
            time.sleep(wait)
            wait = min(wait * 1.5, 1.0)
        return job

    def job(self, job_id: str) -> JobInfo:
        return self._call(calls.job(job_id))

    def jobs(
        self, *, status: Iterable[str] = (), limit: int = 25, offset: int = 0, endpoint: str | None = None
    ) -> list[JobInfo]:
        """List jobs, the newest first."""
        return self._call(calls.jobs(status, limit, offset, endpoint))

    def cancel(self, job_id: str) -> JobInfo:
        return self._call(calls.cancel(job_id))

    def logs(self, job_id: str) -> str:
        return self._call(calls.logs(job_id))

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """Every event of the job, with its time, attempt, worker, writer and reason."""
        return self._call(calls.history(job_id))

    def job_worker(self, job_id: str) -> WorkerInfo:
        return self._call(calls.job_worker(job_id))

    # -- the registry --------------------------------------------------------------------------------------------------

    def endpoints(self) -> list[EndpointInfo]:
        return self._call(calls.endpoints())

    def endpoint(self, name: str) -> EndpointInfo:
        return self._call(calls.endpoint(name))

    def create_endpoint(self, document: Mapping[str, Any], *, force: bool = False) -> EndpointInfo:
        """Create an endpoint from name, path, className, defaultContext, …; `force` accepts an unreadable artifact."""
        return self._call(calls.create_endpoint(document, force=force))

    def update_endpoint(self, document: Mapping[str, Any], *, force: bool = False) -> EndpointInfo:
        return self._call(calls.update_endpoint(document, force=force))

    def delete_endpoint(self, name: str) -> EndpointInfo:
        return self._call(calls.delete_endpoint(name))

    def contexts(self) -> list[ContextInfo]:
        return self._call(calls.contexts())

    def context(self, name: str) -> ContextInfo:
        return self._call(calls.context(name))

    def put_context(self, document: Mapping[str, Any]) -> ContextInfo:
        """Create a context, or replace its settings; those left out get their defaults."""
        return self._call(calls.put_context(document))

    def delete_context(self, name: str) -> ContextInfo:
        return self._call(calls.delete_context(name))

    def artifacts(self) -> list[str]:
        return self._call(calls.artifacts())

    def artifact_sha(self, name: str) -> str:
        return self._call(calls.artifact_sha(name))

    def upload(self, file: Path, *, force: bool = False) -> str:
        """Upload job code under its file name, which endpoints then use as path; `force` replaces other content."""
        return self._call(calls.upload(file, force=force))

    def delete_artifact(self, name: str) -> str:
        return self._call(calls.delete_artifact(name))

    # -- workers and the service ---------------------------------------------------------------------------------------

    def workers(self) -> list[WorkerInfo]:
        return self._call(calls.workers())

    def stop_worker(self, worker_id: str) -> None:
        """Stop a driver; its jobs fail."""
        self._call(calls.stop_worker(worker_id))

    def status(self) -> dict[str, Any]:
        return self._call(calls.status())

    # -- the feed ------------------------------------------------------------------------------------------------------

    def events(
        self, *, since: str | None = None, job_id: str | None = None, phases: bool = False, logs: bool = False
    ) -> Iterator[Event]:
        """Follow events as they happen, without gap or repeat, across restarts of gateways.

        Starts now, or after the cursor `since`; for one job it runs from the job's first event to its last.
        `phases` adds the phases between the six statuses; `logs` adds the lines that jobs print.
        """
        feed = FeedPosition(job_id=job_id, since=since or self._present_cursor(job_id), phases=phases, logs=logs)
        retry = self._new_retry()
        while not feed.ended():
            frames = 0
            try:
                with sync_connect(
                    feed.url(retry.url), additional_headers=self._headers, max_size=MAX_FRAME_BYTES
                ) as socket:
                    for frame in socket:
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
            self._pause(retry)

    def _present_cursor(self, job_id: str | None) -> str | None:
        """Cursor of the log's present end, so that nothing is missed before the connection is up."""
        return None if job_id else str((self.status())["cursor"])

    def _pause(self, retry: RetryPolicy) -> None:
        time.sleep(
            retry.wait_after(httpx.ConnectError("the feed cannot be had"), time.monotonic(), repeatable=True) or 0
        )

    # -- sending -------------------------------------------------------------------------------------------------------

    def _call(self, call: Call[Answer]) -> Answer:
        retry = self._new_retry()
        while True:
            outcome = self._send(retry.url, call)
            wait = retry.wait_after(outcome, time.monotonic(), repeatable=call.repeatable)
            if wait is None and isinstance(outcome, httpx.Response):
                return calls.read(call, outcome)
            time.sleep(wait or 0)

    def _send(self, url: str, call: Call[Answer]) -> Outcome:
        query, headers = dict(call.query), dict(call.headers)
        try:
            if call.upload is None:
                return self._http.request(call.method, url + call.path, params=query, headers=headers, json=call.json)
            with call.upload.open("rb") as file:
                files = {"file": (call.upload.name, file)}
                return self._http.request(call.method, url + call.path, params=query, headers=headers, files=files)
        except httpx.TransportError as error:
            return error

    def _new_retry(self) -> RetryPolicy:
        return RetryPolicy(self._urls, self._patience, time.monotonic())
