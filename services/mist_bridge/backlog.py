"""Accepted events of the log that are not published yet. Pure: knows neither Kafka nor MQTT nor a clock.

An event leaves the backlog when it is read back from `mist.events.json`. So a standby knows what is missing when it
becomes active.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mist_domain.ended_jobs import OpenJobs
from mist_domain.facts.job_events import JobAttemptLost, JobEvent
from mist_domain.job import Job, Status
from mist_domain.wire.cursor import read_cursor, write_place
from mist_domain.wire.feed import announce
from mist_domain.wire.json_text import read_json, write_json


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event as JSON text; `offset` is that of its fact in `mist.job-events`."""

    job_id: str
    offset: int
    text: str


class Backlog:
    """`published` holds, for each partition of the log, the last offset that `mist.events.json` has; -1 for none."""

    def __init__(self, partitions: int, retention_ms: float) -> None:
        """`retention_ms` is that of `mist.events.json`: an older event is not published, it would be deleted at once."""
        self.published = [-1] * partitions
        self._partitions = partitions
        self._retention_ms = retention_ms
        self._submitted = [-1] * partitions
        self._open = OpenJobs()
        self._waiting: list[deque[Announcement]] = [deque() for _ in range(partitions)]

    def __len__(self) -> int:
        """Events that are not read back yet."""
        return sum(map(len, self._waiting))

    @property
    def jobs(self) -> int:
        """The number of jobs that have not ended."""
        return len(self._open.jobs)

    def fold(self, event: JobEvent, partition: int, offset: int, at: int, now: int) -> None:
        """Fold one fact, appended at `at` (ms); `now` is the newest append time read so far."""
        job = self._open.fold(event, at)
        if job is not None and offset > self.published[partition] and at > now - self._retention_ms:
            self._wait(event, job, partition, offset, at)

    def _wait(self, event: JobEvent, job: Job, partition: int, offset: int, at: int) -> None:
        body = announce(event, job.status, at, first=not isinstance(event, JobAttemptLost))
        if body is None:
            return
        if job.status is Status.FAILED and job.request.external_id is not None:
            body["externalId"] = job.request.external_id
        body["cursor"] = write_place(partition, offset, self._partitions)
        self._waiting[partition].append(Announcement(event.job_id, offset, write_json(body)))

    def read_back(self, partition: int, offset: int) -> None:
        """Note that `mist.events.json` has all events of the partition up to that offset of the log."""
        self.published[partition] = max(self.published[partition], offset)
        waiting = self._waiting[partition]
        while waiting and waiting[0].offset <= self.published[partition]:
            waiting.popleft()

    def restart(self) -> None:
        """Submit again all that is not read back: the instance that was active before no longer publishes."""
        self._submitted = list(self.published)

    def submit(self) -> Iterator[Announcement]:
        """The events not submitted since `restart`, each once."""
        for partition, waiting in enumerate(self._waiting):
            for announcement in waiting:
                if announcement.offset > self._submitted[partition]:
                    self._submitted[partition] = announcement.offset
                    yield announcement


def announced_offset(value: bytes) -> int | None:
    """The offset in `mist.job-events` of the event in a record of `mist.events.json`; `None` for a stranger's record."""
    try:
        cursor = read_json(value)["cursor"]
        offsets = read_cursor(cursor, _partitions_in(cursor))
    except Exception:  # noqa: BLE001 - a stranger's record: it may hold anything, and no error of it may end the bridge
        return None
    return max(offsets)


def _partitions_in(cursor: str) -> int:
    """The partition count of a cursor: eight bytes of Base64 for each."""
    return len(cursor) * 3 // 4 // 8
