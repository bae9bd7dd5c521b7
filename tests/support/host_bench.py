"""One worker host's core for given / when / then: facts and drivers' reports go in, instructions come out.

What the host appends stands in `appended` until `read_back` lets it read it, as the log would.
"""

from typing import Any, TypeVar

from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.registry import Context
from mist_domain.job import Job, Status
from mist_worker_host.core.attempts import Identity, TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.instructions import Append, HostEvent, Instruction, Launch, Publish
from mist_worker_host.core.stimuli import (
    CaughtUp,
    DriverReady,
    Fact,
    Read,
    Report,
    RunCanceled,
    RunFailed,
    RunFinished,
    Stimulus,
    TimePassed,
)
from support.facts import assigned, cancel_requested, initialized, queued

HOST = "host-1"
AT = 1_000
Kind = TypeVar("Kind", bound=Instruction)


def identity(**changes: Any) -> Identity:
    fields: dict[str, Any] = {"host_id": HOST, "name": "host", "address": "", "slots": 4, "max_workers": 3}
    return Identity(**(fields | {"partitions": 1, "spark_version": "4"} | changes))


class HostBench:
    def __init__(self, limits: TimeLimits | None = None, **changes: Any) -> None:
        self.core = HostCore(identity(**changes), limits or TimeLimits())
        self.appended: list[HostEvent] = []
        self.last: list[Instruction] = []
        self.offset = 0
        self.handle(CaughtUp(), TimePassed(now=0.0))

    # -- when ----------------------------------------------------------------------------------------------------------

    def handle(self, *stimuli: Stimulus) -> list[Instruction]:
        self.last = self.core.handle(*stimuli)
        self.appended += [item.event for item in self.last if isinstance(item, Append)]
        return self.last

    def read(self, *events: JobEvent) -> list[Instruction]:
        """The host reads these facts in one batch."""
        facts = []
        for event in events:
            facts.append(Fact(0, self.offset, AT, event))
            self.offset += 1
        return self.handle(Read(facts=tuple(facts)))

    def read_back(self) -> list[Instruction]:
        """The host reads all that it has appended."""
        events, self.appended = self.appended, []
        return self.read(*events)

    def assign(self, job_id: str = "a", host: str = HOST, **changes: Any) -> list[Instruction]:
        first = initialized(job_id=job_id, **changes)
        return self.read(first, queued(job_id=job_id), assigned(job_id=job_id, host=host))

    def assign_again(self, job_id: str = "a", host: str = HOST) -> list[Instruction]:
        job = self.job(job_id)
        return self.read(assigned(version=job.version, attempt=job.attempt, job_id=job_id, host=host))

    def cancel(self, job_id: str = "a") -> list[Instruction]:
        return self.read(cancel_requested(job_id=job_id))

    def run(self, job_id: str = "a", **changes: Any) -> int:
        """Bring a job to where its code runs; the worker it runs in."""
        self.assign(job_id, **changes)
        worker = self.worker_of(job_id)
        if not self.core.fleet.workers[worker].ready:
            self.ready(worker)
        self.read_back()
        return worker

    def ready(self, worker: int = 1) -> list[Instruction]:
        return self.handle(DriverReady(worker=worker, spark_ui="http://ui"))

    def pass_time(self, now: float) -> list[Instruction]:
        return self.handle(TimePassed(now=now))

    # -- then ----------------------------------------------------------------------------------------------------------

    def got(self, kind: type[Kind]) -> list[Kind]:
        """The last instructions of that kind."""
        return [item for item in self.last if isinstance(item, kind)]

    @property
    def done(self) -> list[Instruction]:
        """The last instructions but the publishing."""
        return [item for item in self.last if not isinstance(item, Publish)]

    @property
    def launched(self) -> list[int]:
        return [launch.worker for launch in self.got(Launch)]

    def worker_of(self, job_id: str) -> int:
        worker = self.core.attempts.held[job_id].worker
        assert worker is not None
        return worker.key

    def job(self, job_id: str = "a") -> Job:
        return self.core.fold.jobs[job_id]

    def status(self, job_id: str = "a") -> Status | None:
        """`None` for a job that has ended or never existed."""
        job = self.core.fold.jobs.get(job_id)
        return job.status if job else None

    def held(self) -> list[tuple[str, int]]:
        return [(held.job_id, held.attempt) for held in self.core.state().attempts]

    def worker_states(self) -> dict[str, str]:
        return {worker.worker_id: worker.state for worker in self.core.state().workers}


def finished(worker: int, job_id: str = "a", attempt: int = 1, result: str = "{}") -> Report:
    return RunFinished(worker=worker, job_id=job_id, attempt=attempt, result=result)


def failed(worker: int, job_id: str = "a", attempt: int = 1, error: str = "ValueError: no") -> Report:
    return RunFailed(worker=worker, job_id=job_id, attempt=attempt, error=error, detail="Traceback")


def canceled(worker: int, job_id: str = "a", attempt: int = 1, *, abandoned: bool = False) -> Report:
    return RunCanceled(worker=worker, job_id=job_id, attempt=attempt, abandoned=abandoned)


def context(name: str = "default", **changes: Any) -> Context:
    return Context(name=name, **changes)
