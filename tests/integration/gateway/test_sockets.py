"""WebSockets: each accepted transition once, in order, on every path; resumed exactly; slow readers told where."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from mist_domain.wire.cursor import write_cursor
from support import facts
from support.gateway_world import LIMIT, Gateway, Log, beginning, hear, life, new_id, words

PATHS_OF_ALL = ["/jobs/ws", "/ws", "/ws/all"]
PATHS_OF_ONE = ["/jobs/{}/ws", "/ws/jobs/{}"]


async def closed(socket: ClientConnection) -> tuple[list[dict[str, Any]], int, str]:
    """Read on until the other side closes: what was told until then, code and reason."""
    told: list[dict[str, Any]] = []
    with pytest.raises(ConnectionClosed) as close:
        await asyncio.wait_for(read_on(socket, told), LIMIT)
    assert close.value.rcvd is not None
    return told, close.value.rcvd.code, close.value.rcvd.reason


async def read_on(socket: ClientConnection, told: list[dict[str, Any]]) -> None:
    while True:
        told.append(json.loads(await socket.recv()))


async def of(socket: ClientConnection, job_ids: list[str], count: int) -> list[dict[str, Any]]:
    """The next `count` events of these jobs, those of others left out."""
    heard: list[dict[str, Any]] = []
    while len(heard) < count:
        heard += [event for event in await hear(socket, 1) if event["id"] in job_ids]
    return heard


@pytest.mark.parametrize("path", PATHS_OF_ALL)
async def test_all_jobs_are_told_live(gateway: Gateway, log: Log, path: str) -> None:
    job_id = new_id()
    async with connect(gateway.socket(path)) as socket:
        await socket.ping()
        await log.tell(*life(job_id, "e", external_id="mine", parameters='{"n":1}'), facts.canceled(job_id=job_id))
        heard = await of(socket, [job_id], 4)
    assert words(heard) == ["initialized", "queued", "started", "finished"]
    assert list(heard[0]) == ["event", "id", "params", "endpoint", "context", "externalId", "time", "cursor"]
    assert (heard[0]["params"]["arguments"], heard[2]["workerId"], heard[3]["result"]) == ({"n": 1}, "default", {})


@pytest.mark.parametrize("path", PATHS_OF_ONE)
async def test_one_jobs_life_from_its_start_then_live(gateway: Gateway, log: Log, path: str) -> None:
    job_id, other = new_id(), new_id()
    await log.tell(*beginning(job_id, "e"))
    async with connect(gateway.socket(path.format(job_id) + "?since=start")) as socket:
        before = await hear(socket, 3)
        await log.tell(*life(other, "e"))
        await log.tell(facts.failed(job_id=job_id))
        after = await hear(socket, 1)
    assert words(before + after) == ["initialized", "queued", "started", "failed"]
    assert {event["id"] for event in before + after} == {job_id}
    async with connect(gateway.socket(path.format(job_id) + f"?since={before[1]['cursor']}")) as socket:
        assert words(await hear(socket, 2)) == ["started", "failed"]


async def test_later_phases_are_told_to_who_asks(gateway: Gateway, log: Log) -> None:
    job_id = new_id()
    await log.tell(*beginning(job_id, "e")[:3], facts.lost_by_host(job_id=job_id), facts.cancel_requested(job_id))
    async with connect(gateway.socket(f"/jobs/{job_id}/ws?since=start&phases=all")) as socket:
        assert words(await hear(socket, 5)) == ["initialized", "queued", "worker-assigned", "queued", "canceled"]
    async with connect(gateway.socket(f"/jobs/{job_id}/ws?since=start")) as socket:
        assert words(await hear(socket, 3)) == ["initialized", "queued", "canceled"]


async def test_a_cursor_goes_on_without_gap_or_repeat_while_more_is_appended(gateway: Gateway, log: Log) -> None:
    ids = [new_id() for _ in range(40)]
    async with connect(gateway.socket("/jobs/ws")) as socket:
        await socket.ping()
        await log.tell(*life(ids[0], "e"))
        first = await of(socket, ids, 2)
    appending = asyncio.create_task(append_lives(log, ids[1:]))
    heard, cursor = list(first), first[-1]["cursor"]
    while len(heard) < 4 * len(ids):
        async with connect(gateway.socket(f"/jobs/ws?since={cursor}")) as socket:
            more = await of(socket, ids, min(7, 4 * len(ids) - len(heard)))
        heard, cursor = heard + more, more[-1]["cursor"]
    await appending
    for job_id in ids:
        own = [event for event in heard if event["id"] == job_id]
        assert words(own) == ["initialized", "queued", "started", "finished"], job_id
    assert len({event["cursor"] for event in heard}) == len(heard)


async def append_lives(log: Log, ids: list[str]) -> None:
    for job_id in ids:
        for event in life(job_id, "e"):
            await log.tell(event)


async def test_a_socket_with_nothing_to_tell_is_kept_alive(gateway: Gateway, log: Log) -> None:
    job_id = new_id()
    await log.tell(facts.initialized(job_id))
    async with connect(gateway.socket(f"/jobs/{job_id}/ws")) as socket, asyncio.timeout(LIMIT):
        assert json.loads(await socket.recv()) == {"event": "keep-alive"}
        assert json.loads(await socket.recv()) == {"event": "keep-alive"}


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("/jobs/nobody/ws", 4404, "no such job"),
        ("/ws/jobs/nobody?since=start", 4404, "no such job"),
        ("/jobs/ws?since=nonsense", 4400, "not a cursor"),
        ("/jobs/ws?since=start", 4400, "not a cursor"),
        ("/jobs/ws?withLogs=perhaps", 4400, "withLogs"),
        ("/jobs/ws?since=" + "f" * 1000, 4400, "not a cursor"),
    ],
)
async def test_what_cannot_be_told_is_closed_with_the_reason(gateway: Gateway, path: str, code: int, says: str) -> None:
    async with connect(gateway.socket(path)) as socket:
        _, found, reason = await closed(socket)
    assert found == code
    assert says in reason


async def test_a_cursor_beyond_the_log_is_refused(gateway: Gateway, log: Log) -> None:
    async with connect(gateway.socket("/jobs/ws?since=" + write_cursor([10**9] * 8))) as socket:
        _, code, reason = await closed(socket)
    assert code == 4400
    assert "beyond the end" in reason


async def test_a_slow_reader_is_closed_with_the_cursor_to_go_on_from_and_misses_nothing(
    gateway: Gateway, log: Log
) -> None:
    ids = [new_id() for _ in range(150)]  # 30 MB: more than any socket holds
    large = json.dumps({"text": "x" * 200_000})
    async with connect(gateway.socket("/jobs/ws"), max_queue=1, max_size=None) as socket:
        await socket.ping()
        for job_id in ids:
            await log.tell(facts.initialized(job_id, parameters=large), facts.queued(job_id=job_id))
        heard, code, cursor = await closed(socket)
    told = [event for event in heard if event.get("id") in ids]
    assert code == 4408
    assert told == [] or told[-1]["cursor"] == cursor
    assert len(told) < 2 * len(ids)
    async with connect(gateway.socket(f"/jobs/ws?since={cursor}"), max_size=None) as socket:
        told += await of(socket, ids, 2 * len(ids) - len(told))
    assert sorted((event["id"], event["event"]) for event in told) == sorted(
        (job_id, word) for job_id in ids for word in ("initialized", "queued")
    )
