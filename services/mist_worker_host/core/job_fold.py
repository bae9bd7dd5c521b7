"""All jobs as this host has read them: those that are active, and the ids of those that have ended."""

from mist_domain.facts.job_events import JobInitialized
from mist_domain.job import Job, evolve
from mist_worker_host.core.stimuli import Fact


class JobFold:
    """The fold of `mist.job-events`. `offsets[p]` is the last offset folded of partition `p`, -1 for none."""

    def __init__(self, partitions: int) -> None:
        self.jobs: dict[str, Job] = {}
        self.offsets = [-1] * partitions
        self._ended: set[bytes] = set()

    def apply(self, fact: Fact) -> str | None:
        """Fold one record. Returns the id of the job that it changed."""
        self.offsets[fact.partition] = fact.offset
        event = fact.event
        if event is None:
            return None
        job = self.jobs.get(event.job_id)
        if job is None:
            if not isinstance(event, JobInitialized) or _packed(event.job_id) in self._ended:
                return None
            job = Job(event.job_id)
        after = evolve(job, event, fact.time)
        if after is job:
            return None
        if after.status.final:
            self.jobs.pop(event.job_id, None)
            self._ended.add(_packed(event.job_id))
        else:
            self.jobs[event.job_id] = after
        return event.job_id


def _packed(job_id: str) -> bytes:
    """A UUID in 16 bytes, since a host remembers every job there ever was; any other id as it is."""
    try:
        packed = bytes.fromhex(job_id.replace("-", ""))
    except ValueError:
        return job_id.encode()
    return packed if len(packed) == 16 and len(job_id) == 36 else job_id.encode()
