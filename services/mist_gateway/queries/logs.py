"""The log of one job, read back from `mist.job-logs`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from mist_domain.facts.logs import LogLine, LogLines
from mist_domain.job import Job
from mist_eventlog import Codec, Reader
from mist_eventlog.topics.names import JOB_LOGS
from mist_gateway.projection.job_logs import read_lines

MAX_LOG_CHARS = 4_000_000
LATE_LINES_MS = 300_000


async def read_log(reader: Reader, codec: Codec, job: Job, partition: int) -> str:
    """Read the job's lines, the last 4 MB of them. `partition` is the one of its key."""
    begin = await reader.offset_at(JOB_LOGS, partition, job.created_at)
    end = await _end(reader, job, partition)
    kept, size = list[str](), 0
    async for lines in _batches(reader, codec, job.job_id, {partition: (begin, end)}):
        text = format_lines(lines)
        kept.append(text)
        size += len(text)
        while size > MAX_LOG_CHARS and len(kept) > 1:
            size -= len(kept.pop(0))
    return "".join(kept)


async def _end(reader: Reader, job: Job, partition: int) -> int:
    """Offset before which all lines are: those of an ended job arrive within `LATE_LINES_MS`."""
    if job.ended_at:
        return await reader.offset_at(JOB_LOGS, partition, job.ended_at + LATE_LINES_MS)
    return (await reader.ends(JOB_LOGS))[partition]


def format_lines(batch: LogLines) -> str:
    return "".join(f"{format_line(batch.job_id, line)}\n" for line in batch.lines)


def format_line(job_id: str, line: LogLine) -> str:
    """Format one line: `INFO 2017-07-14T02:40:00.123 [<jobId>] text`, in UTC."""
    time = datetime.fromtimestamp(line.time / 1000, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return f"{line.level} {time} [{job_id}] {line.text}"


async def _batches(
    reader: Reader, codec: Codec, job_id: str, ranges: dict[int, tuple[int, int]]
) -> AsyncIterator[LogLines]:
    """Read the job's batches, in order."""
    async for records in reader.read_range(JOB_LOGS, ranges):
        for record in records:
            if record.key == job_id.encode():
                lines = read_lines(codec, record)
                if lines is not None:
                    yield lines
        await asyncio.sleep(0)
