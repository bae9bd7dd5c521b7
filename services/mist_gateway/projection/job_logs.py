"""Log lines live: what jobs print, published to the WebSockets that ask for it."""

import asyncio

from mist_domain.facts.logs import LogLines
from mist_domain.wire.json_text import write_json
from mist_eventlog import Codec, KafkaAddress, Partition, PoisonError, Reader, Record, Tail
from mist_eventlog.topics.names import JOB_LOGS
from mist_gateway.projection.feed import Feed, Frame


def read_lines(codec: Codec, record: Record) -> LogLines | None:
    """Read a record of `mist.job-logs`; `None` for one that cannot be read."""
    try:
        lines = codec.decode(record.value)
    except PoisonError:
        return None
    return lines if isinstance(lines, LogLines) else None


def logs_frame(batch: LogLines) -> Frame:
    """Make the `logs` event of a batch."""
    lines = [
        {"from": batch.job_id, "level": line.level, "message": line.text, "timeStamp": line.time}
        for line in batch.lines
    ]
    return Frame(write_json({"event": "logs", "id": batch.job_id, "events": lines}))


class LiveLogs:
    """Tail of `mist.job-logs` into the feed. It runs while at least one WebSocket has subscribed."""

    def __init__(self, kafka: KafkaAddress, codec: Codec, feed: Feed, reader: Reader) -> None:
        self._kafka = kafka
        self._codec = codec
        self._feed = feed
        self._reader = reader
        self._subscribers = 0
        self._reading = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def subscribe(self) -> None:
        """Count one more listener; returns once every line printed from now on will be published."""
        self._subscribers += 1
        if self._task is None or self._task.done():
            self._reading = asyncio.Event()
            self._task = asyncio.create_task(self._publish(self._reading))
        reading = asyncio.ensure_future(self._reading.wait())
        await asyncio.wait((reading, self._task), return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()

    def unsubscribe(self) -> None:
        """Count one listener less; the last one stops the tail."""
        self._subscribers -= 1
        if self._subscribers == 0 and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _publish(self, reading: asyncio.Event) -> None:
        async with Tail(self._kafka, [JOB_LOGS], offsets=await self._ends()) as tail:
            reading.set()
            async for records in tail.batches():
                for record in records:
                    lines = read_lines(self._codec, record)
                    if lines is not None and self._feed.has_listeners(lines.job_id):
                        self._feed.publish_logs(lines.job_id, logs_frame(lines))

    async def _ends(self) -> dict[Partition, int]:
        """End offsets of now: earlier lines are not published."""
        ends = await self._reader.ends(JOB_LOGS)
        return {(JOB_LOGS, partition): end for partition, end in ends.items()}
