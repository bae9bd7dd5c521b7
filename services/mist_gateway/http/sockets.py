"""The WebSockets: one text frame for each event; on request a replay first, then live events until either side closes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from starlette.websockets import WebSocketDisconnect

from mist_domain.wire.cursor import BEFORE_ALL, read_cursor, write_cursor
from mist_domain.wire.json_text import write_json
from mist_eventlog import OutageError
from mist_eventlog.topics.names import JOB_EVENTS
from mist_gateway.http.dependencies import gateway_of
from mist_gateway.http.validation import Flag, explain_fields
from mist_gateway.projection.entry import JobRow
from mist_gateway.projection.feed import Frame, Listener
from mist_gateway.queries.history import replay_all, replay_job
from mist_gateway.service import Gateway

log = structlog.get_logger("mist.gateway")

router = APIRouter()

KEEP_ALIVE = Frame(write_json({"event": "keep-alive"}))
CATCH_UP_LIMIT = 10.0
LONGEST_REASON = 120


class SocketClosedError(Exception):
    """Closes the socket with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketQuery(BaseModel):
    """The query of a WebSocket. `since` is a cursor, or `start` for one job's first event."""

    model_config = ConfigDict(alias_generator=to_camel)
    phases: str | None = None
    with_logs: Flag = False
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A job, or all of them (`None`), after the offsets `since`, or live only (`None`)."""

    job_id: str | None
    since: list[int] | None


@router.websocket("/v2/api/jobs/ws")
@router.websocket("/v2/api/ws")
@router.websocket("/v2/api/ws/all")
async def follow_jobs(socket: WebSocket) -> None:
    await _serve(socket, None)


@router.websocket("/v2/api/jobs/{job_id}/ws")
@router.websocket("/v2/api/ws/jobs/{job_id}")
async def follow_job(socket: WebSocket, job_id: str) -> None:
    await _serve(socket, job_id)


async def _serve(socket: WebSocket, job_id: str | None) -> None:
    gateway = gateway_of(socket)
    await socket.accept()
    try:
        query = _read_query(socket)
        listener = Listener(
            job_id=job_id,
            phases=query.phases == "all",
            logs=query.with_logs,
            max_frames=gateway.settings.socket_buffer,
            max_bytes=gateway.settings.socket_buffer_bytes,
        )
        subscription = await _subscription(gateway, job_id, query.since)
        await _stream(gateway, socket, listener, subscription)
    except SocketClosedError as close:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(close.code, close.reason[:LONGEST_REASON])
    except WebSocketDisconnect:
        pass


def _read_query(socket: WebSocket) -> SocketQuery:
    try:
        return SocketQuery.model_validate(dict(socket.query_params))
    except ValidationError as error:
        sentences = explain_fields(error.errors(), "query", [])
        raise SocketClosedError(4400, sentences) from error


async def _subscription(gateway: Gateway, job_id: str | None, since: str | None) -> Subscription:
    reason = gateway.not_ready()
    if reason is not None:
        raise SocketClosedError(1013, reason)
    if job_id is not None and await gateway.find_job(job_id) is None:
        raise SocketClosedError(4404, "There is no such job; GET /v2/api/jobs lists all jobs.")
    if since is None:
        return Subscription(job_id, None)
    partitions = len(gateway.projection.feed.offsets())
    if since == "start" and job_id is not None:
        return Subscription(job_id, [BEFORE_ALL] * partitions)
    try:
        offsets = read_cursor(since, partitions)
    except ValueError as error:
        raise SocketClosedError(4400, f"since cannot be used: {error}.") from error
    await _catch_up(gateway, offsets)
    return Subscription(job_id, offsets)


async def _catch_up(gateway: Gateway, since: list[int]) -> None:
    """Wait until this gateway has folded up to `since`, which another replica may have sent.

    Offsets beyond the end of the log are refused.
    """
    if all(last <= folded for last, folded in zip(since, gateway.projection.feed.offsets(), strict=True)):
        return
    ends = await gateway.reader.ends(JOB_EVENTS)
    if any(last >= ends[partition] for partition, last in enumerate(since)):
        raise SocketClosedError(4400, "since cannot be used: it is beyond the end of this log.")
    for partition, last in enumerate(since):
        if not await gateway.wait_folded(JOB_EVENTS, partition, last, CATCH_UP_LIMIT):
            raise SocketClosedError(1013, "This gateway has not read that far yet; try again.")


async def _stream(gateway: Gateway, socket: WebSocket, listener: Listener, subscription: Subscription) -> None:
    sending = asyncio.create_task(_send_all(gateway, socket, listener, subscription))
    disconnected = asyncio.create_task(_wait_for_disconnect(socket))
    try:
        await asyncio.wait((sending, disconnected), return_when=asyncio.FIRST_COMPLETED)
    finally:
        disconnected.cancel()
        sending.cancel()
        gateway.projection.feed.remove(listener)
    if sending.done():
        sending.result()


async def _wait_for_disconnect(socket: WebSocket) -> None:
    """Wait until the client is gone; its frames are ignored."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send_all(gateway: Gateway, socket: WebSocket, listener: Listener, subscription: Subscription) -> None:
    if not listener.logs:
        await _send_frames(gateway, socket, listener, subscription)
        return
    try:
        await gateway.live_logs.subscribe()
        await _send_frames(gateway, socket, listener, subscription)
    finally:
        gateway.live_logs.unsubscribe()


async def _send_frames(gateway: Gateway, socket: WebSocket, listener: Listener, subscription: Subscription) -> None:
    sent = write_cursor(subscription.since or gateway.projection.feed.offsets())
    try:
        async for frames in _frames(gateway, listener, subscription):
            for frame in frames:
                await socket.send({"type": "websocket.send", "text": frame.text})
                sent = frame.cursor or sent
                if listener.overrun:
                    raise SocketClosedError(4408, sent)
    except OutageError as outage:
        log.warning("replay-failed", reason=str(outage))
        raise SocketClosedError(1013, f"Kafka cannot be read at present; try again with since={sent}") from outage


async def _frames(gateway: Gateway, listener: Listener, subscription: Subscription) -> AsyncIterator[list[Frame]]:
    if subscription.since is None:
        gateway.projection.feed.add(listener)
    elif subscription.job_id is None:
        async for frames in replay_all(gateway, listener, subscription.since):
            yield frames
    else:
        yield await _job_frames(gateway, listener, subscription.job_id, subscription.since)
    while True:
        yield await _live(listener, gateway.settings.keep_alive)


async def _job_frames(gateway: Gateway, listener: Listener, job_id: str, since: list[int]) -> list[Frame]:
    row = gateway.projection.jobs.rows.get(job_id)
    if isinstance(row, JobRow):
        return await replay_job(gateway, listener, row, since[row.partition])
    gateway.projection.feed.add(listener)
    return []


async def _live(listener: Listener, keep_alive: float) -> list[Frame]:
    try:
        async with asyncio.timeout(keep_alive):
            return await listener.next_frames()
    except TimeoutError:
        return [KEEP_ALIVE]
