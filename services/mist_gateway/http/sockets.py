"""The WebSockets: one event, one text frame; replay first where asked for, then live, for as long as both sides stay."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from mist_domain.wire.cursor import BEFORE_ALL, read_cursor, write_cursor
from mist_domain.wire.json_text import write_json
from mist_eventlog import OutageError
from mist_eventlog.topics.names import JOB_EVENTS
from mist_gateway.http.dependencies import the_gateway
from mist_gateway.http.params import read_flag
from mist_gateway.problems import Problem
from mist_gateway.projection.entry import JobRow
from mist_gateway.projection.feed import Frame, Listener
from mist_gateway.queries.replay import replay_all, replay_job
from mist_gateway.service import Gateway

log = structlog.get_logger("mist.gateway")

router = APIRouter()

KEEP_ALIVE = Frame(write_json({"event": "keep-alive"}))
CATCH_UP_LIMIT = 10.0
LONGEST_REASON = 120


class SocketClosedError(Exception):
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the client asked for; `since` is `None` for live only, or the offsets after which to begin."""

    job_id: str | None
    since: list[int] | None


@router.websocket("/v2/api/jobs/ws")
@router.websocket("/v2/api/ws")
@router.websocket("/v2/api/ws/all")
async def all_jobs(socket: WebSocket) -> None:
    await _serve(socket, None)


@router.websocket("/v2/api/jobs/{job_id}/ws")
@router.websocket("/v2/api/ws/jobs/{job_id}")
async def one_job(socket: WebSocket, job_id: str) -> None:
    await _serve(socket, job_id)


async def _serve(socket: WebSocket, job_id: str | None) -> None:
    gateway = the_gateway(socket)
    await socket.accept()
    try:
        listener = _listener(gateway, socket, job_id)
        wanted = await _read_wanted(gateway, socket, job_id)
        await _tell(gateway, socket, listener, wanted)
    except SocketClosedError as close:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(close.code, close.reason[:LONGEST_REASON])
    except WebSocketDisconnect:
        pass


def _listener(gateway: Gateway, socket: WebSocket, job_id: str | None) -> Listener:
    try:
        return Listener(
            job_id=job_id,
            phases=socket.query_params.get("phases") == "all",
            logs=read_flag(socket.query_params, "withLogs"),
            max_frames=gateway.settings.socket_buffer,
            max_bytes=gateway.settings.socket_buffer_bytes,
        )
    except Problem as problem:
        raise SocketClosedError(4400, problem.message) from problem


async def _read_wanted(gateway: Gateway, socket: WebSocket, job_id: str | None) -> Wanted:
    reason = gateway.not_ready()
    if reason is not None:
        raise SocketClosedError(1013, reason)
    if job_id is not None and await gateway.find_job(job_id) is None:
        raise SocketClosedError(4404, "There is no such job; GET /v2/api/jobs lists those there are.")
    text = socket.query_params.get("since")
    if text is None:
        return Wanted(job_id, None)
    partitions = len(gateway.projection.feed.offsets())
    if text == "start" and job_id is not None:
        return Wanted(job_id, [BEFORE_ALL] * partitions)
    try:
        since = read_cursor(text, partitions)
    except ValueError as error:
        raise SocketClosedError(4400, f"since cannot be used: {error}.") from error
    await _catch_up(gateway, since)
    return Wanted(job_id, since)


async def _catch_up(gateway: Gateway, since: list[int]) -> None:
    """Another replica may have told more than this one has folded yet; nobody can have told what is not in the log."""
    if all(last <= folded for last, folded in zip(since, gateway.projection.feed.offsets(), strict=True)):
        return
    ends = await gateway.reader.ends(JOB_EVENTS)
    if any(last >= ends[partition] for partition, last in enumerate(since)):
        raise SocketClosedError(4400, "since cannot be used: it names a place beyond the end of this log.")
    for partition, last in enumerate(since):
        if not await gateway.wait_folded(JOB_EVENTS, partition, last, CATCH_UP_LIMIT):
            raise SocketClosedError(1013, "This gateway has not read that far yet; try again.")


async def _tell(gateway: Gateway, socket: WebSocket, listener: Listener, wanted: Wanted) -> None:
    sending = asyncio.create_task(_send_all(gateway, socket, listener, wanted))
    hearing = asyncio.create_task(_hear(socket))
    try:
        await asyncio.wait((sending, hearing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        hearing.cancel()
        sending.cancel()
        gateway.projection.feed.remove(listener)
    if sending.done():
        sending.result()


async def _hear(socket: WebSocket) -> None:
    """Until the client is gone; what it says is not listened to."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send_all(gateway: Gateway, socket: WebSocket, listener: Listener, wanted: Wanted) -> None:
    if not listener.logs:
        await _send_frames(gateway, socket, listener, wanted)
        return
    try:
        await gateway.live_logs.subscribe()
        await _send_frames(gateway, socket, listener, wanted)
    finally:
        gateway.live_logs.unsubscribe()


async def _send_frames(gateway: Gateway, socket: WebSocket, listener: Listener, wanted: Wanted) -> None:
    told = write_cursor(wanted.since or gateway.projection.feed.offsets())
    try:
        async for frames in _frames(gateway, listener, wanted):
            for frame in frames:
                await socket.send({"type": "websocket.send", "text": frame.text})
                told = frame.cursor or told
                if listener.overrun:
                    raise SocketClosedError(4408, told)
    except OutageError as outage:
        log.warning("replay-failed", reason=str(outage))
        raise SocketClosedError(1013, f"Kafka cannot be read at present; try again with since={told}") from outage


async def _frames(gateway: Gateway, listener: Listener, wanted: Wanted) -> AsyncIterator[list[Frame]]:
    if wanted.since is None:
        gateway.projection.feed.add(listener)
    elif wanted.job_id is None:
        async for frames in replay_all(gateway, listener, wanted.since):
            yield frames
    else:
        yield await _job_frames(gateway, listener, wanted.job_id, wanted.since)
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
