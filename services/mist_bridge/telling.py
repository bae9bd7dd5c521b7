"""What is to be told of the log and is not told yet. Pure: knows neither Kafka nor MQTT.

Events wait here until they are read back from `mist.events.json`; so a standby knows what is missing when it takes over.
"""

import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mist_domain.facts.job_events import JobAttemptLost, JobEvent
from mist_domain.job import Job, Status, evolve
from mist_domain.wire.cursor import write_place
from mist_domain.wire.feed import announce
from mist_domain.wire.json_text import write_json

KEPT_MS = 7 * 24 * 3600 * 1000
"""What is older than the topic keeps its records need not be told: it would be deleted at once."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event as text; `offset` is that of the fact it tells of."""

    job_id: str
    offset: int
    text: str


class Telling:
    """`told` holds, for each partition of the log, the last offset that `mist.events.json` tells of; -1 for none."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self.told = [-1] * partitions
        self._submitted = [-1] * partitions
        self._jobs: dict[str, Job] = {}
        self._over: set[bytes] = set()
        self._waiting: list[deque[Told]] = [deque() for _ in range(partitions)]

    def __len__(self) -> int:
        """Events that are not read back yet."""
        return sum(map(len, self._waiting))

    @property
    def jobs(self) -> int:
        """Jobs that are not over."""
        return len(self._jobs)

    def fold(self, event: JobEvent, partition: int, offset: int, at: int, now: int) -> None:
        """Take one fact, appended at `at` (ms); `now` is the newest append time there is."""
        key = _key(event.job_id)
        if key in self._over:
            return
        before = self._jobs.get(event.job_id, Job(event.job_id))
        after = evolve(before, event, at)
        if after is before:
            return
        if after.status.final:
            self._jobs.pop(event.job_id, None)
            self._over.add(key)
        else:
            self._jobs[event.job_id] = after
        if offset > self.told[partition] and at > now - KEPT_MS:
            self._wait(event, after, partition, offset, at)

    def _wait(self, event: JobEvent, job: Job, partition: int, offset: int, at: int) -> None:
        told = announce(event, job.status, at, first=not isinstance(event, JobAttemptLost))
        if told is None:
            return
        if job.status is Status.FAILED and job.request.external_id is not None:
            told["externalId"] = job.request.external_id
        told["cursor"] = write_place(partition, offset, self._partitions)
        self._waiting[partition].append(Told(event.job_id, offset, write_json(told)))

    def read_back(self, partition: int, offset: int) -> None:
        """`mist.events.json` tells of the log up to that offset."""
        self.told[partition] = max(self.told[partition], offset)
        waiting = self._waiting[partition]
        while waiting and waiting[0].offset <= self.told[partition]:
            waiting.popleft()

    def begin(self) -> None:
        """Whoever told before does not any more: what is not read back is told now."""
        self._submitted = list(self.told)

    def take(self) -> Iterator[Told]:
        """What is to be told and was not handed out since `begin`."""
        for partition, waiting in enumerate(self._waiting):
            for told in waiting:
                if told.offset > self._submitted[partition]:
                    self._submitted[partition] = told.offset
                    yield told


def _key(job_id: str) -> bytes:
    """Sixteen bytes for an id that is a UUID, as Mist's are."""
    try:
        return uuid.UUID(job_id).bytes
    except ValueError:
        return job_id.encode()
