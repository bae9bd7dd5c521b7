"""What jobs print, told live to the WebSockets that ask for it."""

import asyncio

from mist_domain.facts.logs import LogLines
from mist_domain.wire.json_text import write_json
from mist_eventlog import Codec, KafkaAddress, Partition, Reader, Tail
from mist_eventlog.topics.names import JOB_LOGS
from mist_gateway.projection.feed import Feed, Frame
from mist_gateway.queries.logs import read_lines


def logs_frame(batch: LogLines) -> Frame:
    """The `logs` event of a batch."""
    lines = [
        {"from": batch.job_id, "level": one.level, "message": one.text, "timeStamp": one.time} for one in batch.lines
    ]
    return Frame(write_json({"event": "logs", "id": batch.job_id, "events": lines}))


class LiveLogs:
    """Tells the feed what jobs print, from the first moment that somebody asks until nobody does."""

    def __init__(self, kafka: KafkaAddress, codec: Codec, feed: Feed, reader: Reader) -> None:
        self._kafka = kafka
        self._codec = codec
        self._feed = feed
        self._reader = reader
        self._wanted = 0
        self._reading = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    async def want(self) -> None:
        """One more listens; returns once everything that is printed from now on will be told."""
        self._wanted += 1
        if self._telling is None or self._telling.done():
            self._reading = asyncio.Event()
            self._telling = asyncio.create_task(self._tell(self._reading))
        reading = asyncio.ensure_future(self._reading.wait())
        await asyncio.wait((reading, self._telling), return_when=asyncio.FIRST_COMPLETED)
        reading.cancel()

    def unwant(self) -> None:
        """One less listens."""
        self._wanted -= 1
        if self._wanted == 0 and self._telling is not None:
            self._telling.cancel()
            self._telling = None

    async def _tell(self, reading: asyncio.Event) -> None:
        async with Tail(self._kafka, [JOB_LOGS], offsets=await self._ends()) as tail:
            reading.set()
            async for records in tail.batches():
                for record in records:
                    lines = read_lines(self._codec, record)
                    if lines is not None and self._feed.heard(lines.job_id):
                        self._feed.tell_logs(lines.job_id, logs_frame(lines))

    async def _ends(self) -> dict[Partition, int]:
        """Where the topic ends now: what was printed before is not told."""
        ends = await self._reader.ends(JOB_LOGS)
        return {(JOB_LOGS, partition): end for partition, end in ends.items()}
