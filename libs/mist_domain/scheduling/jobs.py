"""Jobs as a scheduler keeps them: open ones, the ends of the others, and its decisions that are in flight.

A decision is *in flight* from when it is appended until its last event is read back.
"""

from dataclasses import dataclass, field

from mist_domain.facts.job_events import JobEvent
from mist_domain.job import Job, Status, evolve


@dataclass(frozen=True, slots=True)
class Decision:
    """Events for one job, appended together; nothing more is decided for it until the last was read back."""

    job_id: str
    events: tuple[JobEvent, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """The part of a job that is kept once it is over."""

    status: Status
    request_hash: str


@dataclass(slots=True, eq=False)
class Jobs:
    """`open` and `ended` are folds of the log; no job is in both.

    `unread` counts the events in flight of each job. `ahead` holds the jobs that were new when decided, as the
    decision leaves them; each of these has events in flight.
    """

    open: dict[str, Job] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, Job] = field(default_factory=dict)

    def is_deciding(self, job_id: str) -> bool:
        """True while a decision for the job is in flight."""
        return job_id in self.unread

    def request_hash(self, job_id: str) -> str | None:
        """The request hash of a known job, open or ended."""
        ended = self.ended.get(job_id)
        if ended is not None:
            return ended.request_hash
        job = self.open.get(job_id)
        return None if job is None else job.request.request_hash

    def in_line(self, job_id: str) -> Job | None:
        """The job if it keeps its turn in its queue: queued, with nothing in flight but its own `queued`."""
        job = self.ahead.get(job_id)
        if job is None and job_id not in self.unread:
            job = self.open.get(job_id)
        return job if job is not None and job.status is Status.QUEUED else None

    def apply(self, decision: Decision, at: int) -> Job:
        """Put the decision in flight; the job as it leaves it."""
        job_id = decision.job_id
        job = self.ahead.get(job_id) or self.open.get(job_id) or Job(job_id)
        for event in decision.events:
            job = evolve(job, event, at)
        self.unread[job_id] = self.unread.get(job_id, 0) + len(decision.events)
        if job_id not in self.open:
            self.ahead[job_id] = job
        return job

    def read_back(self, job_id: str) -> bool:
        """Count one of the scheduler's own events as read back. True when it was in flight."""
        unread = self.unread.get(job_id)
        if unread is None:
            return False
        if unread > 1:
            self.unread[job_id] = unread - 1
        else:
            del self.unread[job_id]
            self.ahead.pop(job_id, None)
        return True

    def end(self, job: Job) -> None:
        """Keep only the end of a job that is over."""
        del self.open[job.job_id]
        self.ended[job.job_id] = Ended(job.status, job.request.request_hash)
