"""Log lines of jobs: read back by job, and sent live to sockets that ask."""

import httpx
from websockets.asyncio.client import connect

from mist_domain.facts.logs import LogLine, LogLines
from support import facts
from support.gateway_world import CODEC, Gateway, Log, beginning, hear, new_id, words


async def print_lines(log: Log, job_id: str, *texts: str) -> None:
    lines = tuple(LogLine(time=1_500_000_000_123, level="INFO", text=text) for text in texts)
    batch = LogLines(job_id=job_id, attempt=1, sequence=0, lines=lines)
    await log.appender.append("mist.job-logs", job_id, CODEC.encode(batch))


async def test_a_jobs_log_is_its_own_lines_in_order(http: httpx.AsyncClient, log: Log) -> None:
    job_id, silent = new_id(), new_id()
    for one in (job_id, silent):
        await log.tell(*beginning(one, "e"))
    await print_lines(log, job_id, "one", "two")
    await print_lines(log, new_id(), "of another")
    await log.appender.append("mist.job-logs", job_id, b"no lines")
    await print_lines(log, job_id, "three")
    answer = await http.get(f"/v2/api/jobs/{job_id}/logs")
    assert answer.headers["content-type"].startswith("text/plain")
    start = f"INFO 2017-07-14T02:40:00.123 [{job_id}]"
    assert answer.text == f"{start} one\n{start} two\n{start} three\n"
    assert (await http.get(f"/v2/api/jobs/{silent}/logs")).text == ""


async def test_a_socket_that_asks_is_told_what_its_job_prints(gateway: Gateway, log: Log) -> None:
    job_id, other = new_id(), new_id()
    await log.tell(*beginning(job_id, "e"))
    async with connect(gateway.socket(f"/jobs/{job_id}/ws?withLogs=true&since=start")) as socket:
        assert words(await hear(socket, 3)) == ["initialized", "queued", "started"]
        await print_lines(log, other, "not mine")
        await print_lines(log, job_id, "one", "two")
        heard = (await hear(socket, 1))[0]
        assert (heard["event"], heard["id"]) == ("logs", job_id)
        assert [line["message"] for line in heard["events"]] == ["one", "two"]
        await log.tell(facts.finished(job_id=job_id))
        assert words(await hear(socket, 1)) == ["finished"]
