"""The log as it grows: who decided last, and what each host has been given that is not decided yet."""

import asyncio
from collections import defaultdict
from typing import get_args

from drill.evidence import Evidence
from mist_domain.facts.hosts import HostState
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.records import RECORDS
from mist_domain.job import Job, evolve
from mist_eventlog import Codec, OutageError, Partition, Record, Tail

JOB_EVENTS, HOSTS = "mist.job-events", "mist.hosts"
Held = tuple[str, int]
"""A job and the attempt at it."""


class Watch:
    """`decided_at`: when a scheduler's last fact was appended, in ms; `decider` is who wrote it.

    `hosts`: name → the host's id; `contexts`: a driver's process → its context.
    """

    def __init__(self, kafka: str, seen: Evidence) -> None:
        self.decider = ""
        self.decided_at = 0
        self.hosts: dict[str, str] = {}
        self.contexts: dict[int, str] = {}
        self._starting: dict[str, bool] = {}
        self._kafka = kafka
        self._seen = seen
        self._codec = Codec(RECORDS)
        self._positions: dict[Partition, int] = {}
        self._jobs: dict[str, Job] = {}
        self._held: defaultdict[str, dict[Held, str]] = defaultdict(dict)

    def is_starting(self) -> bool:
        """True while a driver makes its Spark session, which takes all of a small machine."""
        return any(self._starting.values())

    def held(self, host_id: str, context: str | None = None) -> set[Held]:
        """Attempts that a host was given and that nothing has been decided of since; of one context or all."""
        return {held for held, name in self._held[host_id].items() if context in {None, name}}

    def undecided(self, host_id: str, attempts: set[Held]) -> set[Held]:
        return attempts & self._held[host_id].keys()

    async def run(self) -> None:
        """Follow the log for ever; a broker that goes away is waited for."""
        while True:
            try:
                async with Tail(self._kafka, (JOB_EVENTS, HOSTS), offsets=self._positions) as tail:
                    async for records in tail.batches():
                        for record in records:
                            self._take(record)
                            self._positions[record.topic, record.partition] = record.offset + 1
            except OutageError:
                await asyncio.sleep(0.5)

    def _take(self, record: Record) -> None:
        fact = self._codec.decode(record.value)
        if isinstance(fact, HostState):
            self.hosts[fact.name] = fact.host_id
            self.contexts |= {worker.pid: worker.context for worker in fact.workers}
            self._starting[fact.name] = any(worker.state == "starting" for worker in fact.workers)
        elif isinstance(fact, get_args(JobEvent)):
            self._fold(fact, record.time)

    def _fold(self, fact: JobEvent, at: int) -> None:
        self._seen.facts.setdefault(fact.job_id, []).append((type(fact).__name__, at))
        if fact.writer.startswith("scheduler-"):
            self.decider, self.decided_at = fact.writer, at
        before = self._jobs.get(fact.job_id) or Job(fact.job_id)
        after = self._jobs[fact.job_id] = evolve(before, fact, at)
        if before.host_id is not None and (after.host_id != before.host_id or after.status.final):
            self._held[before.host_id].pop((fact.job_id, before.attempt), None)
        elif after.host_id is not None and not after.status.final:
            self._held[after.host_id][fact.job_id, after.attempt] = after.request.context.name
