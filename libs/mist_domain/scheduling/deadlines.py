"""Start and perform timeouts: which jobs are past theirs, as of the last tick."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from mist_domain.job import Job, Status


def deadline_of(job: Job) -> int | None:
    """End of the job's start or perform timeout (ms); `None` when neither runs now."""
    if job.status is Status.QUEUED:
        since, timeout = job.queued_at, job.request.start_timeout
    elif job.status is Status.STARTED:
        since, timeout = job.started_at, job.request.perform_timeout
    else:
        return None
    return None if timeout is None else since + timeout


@dataclass(slots=True, eq=False)
class Deadlines:
    """`passed` holds jobs past their deadline; each stays until it settles. `coming` may hold stale entries."""

    coming: list[tuple[int, str]] = field(default_factory=list)
    passed: dict[str, None] = field(default_factory=dict)

    def watch(self, job: Job) -> None:
        """The job has settled: its present deadline replaces any earlier."""
        if self.passed:
            self.passed.pop(job.job_id, None)
        deadline = deadline_of(job)
        if deadline is not None:
            heapq.heappush(self.coming, (deadline, job.job_id))

    def tick(self, now: int, jobs: Mapping[str, Job]) -> None:
        """Move the jobs whose deadline is over by `now` (ms) to `passed`."""
        while self.coming and self.coming[0][0] <= now:
            _, job_id = heapq.heappop(self.coming)
            job = jobs.get(job_id)
            deadline = None if job is None else deadline_of(job)
            if deadline is not None and deadline <= now:
                self.passed[job_id] = None
