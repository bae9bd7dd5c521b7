"""All jobs as this host has read them, and the offsets that it has read to."""

from mist_domain.ended_jobs import OpenJobs
from mist_domain.job import Job
from mist_worker_host.core.stimuli import Fact


class JobFold:
    """The fold of `mist.job-events`. `offsets[p]` is the last offset folded of partition `p`, -1 for none."""

    def __init__(self, partitions: int) -> None:
        self.offsets = [-1] * partitions
        self._open = OpenJobs()
        self.jobs: dict[str, Job] = self._open.jobs

    def apply(self, fact: Fact) -> str | None:
        """Fold one record. Returns the id of the job that it changed."""
        self.offsets[fact.partition] = fact.offset
        if fact.event is None or self._open.fold(fact.event, fact.time) is None:
            return None
        return fact.event.job_id
