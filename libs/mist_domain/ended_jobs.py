"""The fold of `mist.job-events` for services that need no history: open jobs whole, and of ended ones the id alone."""

import re

from mist_domain.facts.job_events import JobEvent, JobInitialized
from mist_domain.job import Job, evolve

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class OpenJobs:
    """`jobs` holds every job that has not ended, by id."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self._ended: set[bytes] = set()

    def fold(self, event: JobEvent, time: int) -> Job | None:
        """The job after an event appended at `time` (ms); `None` when the event was ignored."""
        job = self.jobs.get(event.job_id)
        if job is None:
            if not isinstance(event, JobInitialized) or _packed(event.job_id) in self._ended:
                return None
            job = Job(event.job_id)
        after = evolve(job, event, time)
        if after is job:
            return None
        if after.status.final:
            self.jobs.pop(event.job_id, None)
            self._ended.add(_packed(event.job_id))
        else:
            self.jobs[event.job_id] = after
        return after


def _packed(job_id: str) -> bytes:
    """16 bytes for a UUID in its usual form, since every job there ever was is remembered; other ids as they are."""
    return bytes.fromhex(job_id.replace("-", "")) if _UUID.fullmatch(job_id) else job_id.encode()
