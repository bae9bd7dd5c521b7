"""The checks, one record at a time. Pure: records go in as facts, the first breach comes out as an exception."""

from collections import Counter
from dataclasses import dataclass, field

from mist_domain.facts.job_events import JobEvent, JobInitialized, JobStarted
from mist_domain.facts.requests import Origin, StartRequest, job_id_of, request_id_at
from mist_domain.job import Job, Status, evolve


class BreachError(Exception):
    """A promise that the log shows broken. The text names the record."""


@dataclass(slots=True)
class Audit:
    """Audit of the log: the fold of every job so far, and the events that it accepted."""

    jobs: dict[str, Job] = field(default_factory=dict)
    ignored: int = 0
    read: int = 0
    starts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def take(self, event: JobEvent, at: int, place: str) -> None:
        """Fold one record of `mist.job-events`. `place` names it: topic, partition and offset."""
        self.read += 1
        before = self.jobs.get(event.job_id)
        if before is None and not isinstance(event, JobInitialized):
            raise BreachError(f"{place}: job {event.job_id} begins with {type(event).__name__}, not JobInitialized")
        job = evolve(before or Job(event.job_id), event, at)
        if job is before:
            self.ignored += 1
            return
        self.jobs[event.job_id] = job
        self._check_order(before, job, at, place)
        if isinstance(event, JobStarted):
            self._check_start(job, event, place)

    def check_request(self, request: StartRequest, origin: Origin) -> None:
        """A decided start request must have become a job."""
        request_id = request.request_id or request_id_at(origin)
        job_id = job_id_of(request.endpoint, request_id)
        if job_id not in self.jobs:
            place = f"{origin.topic}/{origin.partition}@{origin.offset}"
            raise BreachError(f"{place}: request {request_id!r} for {request.endpoint!r} has no job {job_id}")

    def statuses(self) -> Counter[Status]:
        return Counter(job.status for job in self.jobs.values())

    def _check_order(self, before: Job | None, job: Job, at: int, place: str) -> None:
        if before is not None and before.status.final:
            raise BreachError(f"{place}: job {job.job_id} was {before.status.word} and changed")
        if job.version != (before.version if before else 0) + 1:
            raise BreachError(f"{place}: job {job.job_id} skips a version")
        last = max(before.created_at, before.queued_at, before.started_at) if before else 0
        if at < last:
            raise BreachError(f"{place}: job {job.job_id} goes back in time, from {last} to {at}")

    def _check_start(self, job: Job, event: JobStarted, place: str) -> None:
        attempt = (event.job_id, event.attempt)
        self.starts[attempt] += 1
        if self.starts[attempt] > 1:
            raise BreachError(f"{place}: attempt {event.attempt} of job {event.job_id} starts twice")
        if job.starts > 1 + job.request.retries:
            raise BreachError(
                f"{place}: job {event.job_id} starts {job.starts} times with {job.request.retries} retries"
            )
