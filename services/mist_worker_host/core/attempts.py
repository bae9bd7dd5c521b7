"""The attempts that this host holds, from assignment to their end; and the host's identity and time limits."""

from dataclasses import dataclass

from mist_domain.facts.job_events import JobCanceled, JobStarted
from mist_domain.job import Job, Status, has_another_attempt
from mist_worker_host.core import outcomes
from mist_worker_host.core.fleet import Fleet
from mist_worker_host.core.instructions import Append, Cancel, HostEvent, Instruction, RunAttempt
from mist_worker_host.core.job_fold import JobFold
from mist_worker_host.core.stimuli import Report, RunCanceled
from mist_worker_host.core.worker import Attempt, FleetWorker, Phase, downtime_of, driver_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`partitions` is that of `mist.job-events`."""

    host_id: str
    name: str
    address: str
    slots: int
    max_workers: int
    partitions: int
    spark_version: str
    java_version: str = ""
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """Seconds. `grace`: what runs may take to end when the host stops. `launch`: a driver may take to be ready.

    `cancel`: a driver may take to answer a cancel, well above its own grace.
    """

    grace: float = 10.0
    launch: float = 300.0
    cancel: float = 20.0


class Attempts:
    """`held` by job id. An attempt counts as held until its end was read back."""

    def __init__(self, identity: Identity, fold: JobFold, fleet: Fleet, instructions: list[Instruction]) -> None:
        self.held: dict[str, Attempt] = {}
        self._host_id = identity.host_id
        self._slots = identity.slots
        self._fold = fold
        self._fleet = fleet
        self._instructions = instructions
        self._waiting: dict[str, Attempt] = {}
        self._ending = 0

    # -- the fold ------------------------------------------------------------------------------------------------------

    def settle(self, job_id: str) -> None:
        """Follow a changed job: start, run or cancel its attempt here, or let go of one that is no longer this host's."""
        job = self._own(job_id)
        attempt = self.held.get(job_id)
        if attempt is not None and (job is None or job.attempt != attempt.number):
            self._let_go(attempt)
            attempt = None
        if job is None:
            return
        if attempt is None:
            self._hold(job)
        elif job.status is Status.CANCELLING:
            self._cancel(attempt)
        elif job.status is Status.STARTED and attempt.phase is Phase.STARTING and attempt.worker is not None:
            self._run(attempt, attempt.worker)

    def is_leased(self, worker: FleetWorker) -> bool:
        """True when an attempt runs in the worker that might be started elsewhere once this host is called lost."""
        return any(self._may_follow(job_id, number) for job_id, number in worker.runs)

    def _may_follow(self, job_id: str, number: int) -> bool:
        job = self._fold.jobs.get(job_id)
        if job is None or job.status is not Status.STARTED or job.attempt != number:
            return False
        return has_another_attempt(job)

    def _own(self, job_id: str) -> Job | None:
        job = self._fold.jobs.get(job_id)
        if job is None or job.host_id != self._host_id or job.status < Status.ASSIGNED:
            return None
        return job

    def _hold(self, job: Job) -> None:
        attempt = self.held[job.job_id] = Attempt(job.request, job.attempt)
        if job.status is Status.CANCELLING:
            self._cancel(attempt)
        elif job.status is not Status.ASSIGNED:
            self._lose(attempt, outcomes.Loss(reason=outcomes.NOT_STARTED_HERE))
        elif self._fleet.draining:
            self._lose(attempt, outcomes.Loss(reason=outcomes.HOST_STOPPING))
        elif len(self.held) - self._ending > self._slots:
            self._lose(attempt, outcomes.Loss(reason=outcomes.HOST_FULL))
        else:
            self._waiting[job.job_id] = attempt

    def _run(self, attempt: Attempt, worker: FleetWorker) -> None:
        attempt.phase = Phase.RUNNING
        worker.runs[attempt.job_id, attempt.number] = None
        leased = self._may_follow(attempt.job_id, attempt.number)
        self._instructions.append(RunAttempt(worker=worker.key, attempt=attempt.number, job=attempt.job, leased=leased))

    def _cancel(self, attempt: Attempt) -> None:
        if attempt.phase is Phase.RUNNING:
            self._stop_run(attempt)
        elif attempt.phase is not Phase.ENDING:
            self._end(attempt, self._canceled(attempt))

    def _let_go(self, attempt: Attempt) -> None:
        """The attempt is over, or no longer this host's: what still runs of it is stopped."""
        del self.held[attempt.job_id]
        worker = attempt.worker
        if attempt.phase is Phase.ENDING:
            self._ending -= 1
        elif attempt.phase is Phase.RUNNING and worker is not None and worker.shared:
            self._stop_run(attempt)
        elif attempt.phase is Phase.RUNNING and worker is not None:
            self._fleet.kill(worker)
        self._leave(attempt)

    def _stop_run(self, attempt: Attempt) -> None:
        worker, key = attempt.worker, (attempt.job_id, attempt.number)
        if worker is not None and key in worker.runs and worker.runs[key] is None:
            worker.runs[key] = self._fleet.now
            self._instructions.append(Cancel(worker=worker.key, job_id=attempt.job_id, attempt=attempt.number))

    # -- workers -------------------------------------------------------------------------------------------------------

    def place_waiting(self) -> None:
        """Give waiting attempts their worker, as far as there are driver places."""
        if not self._waiting:
            return
        for attempt in list(self._waiting.values()):
            worker = self._fleet.acquire(driver_settings(attempt.job), downtime_of(attempt.job.context))
            if worker is not None:
                self._place(attempt, worker)
        self._fleet.make_room(len({driver_settings(attempt.job).worker_id for attempt in self._waiting.values()}))

    def _place(self, attempt: Attempt, worker: FleetWorker) -> None:
        del self._waiting[attempt.job_id]
        worker.attempts[attempt.job_id] = attempt
        attempt.worker, attempt.phase = worker, Phase.PLACED
        if worker.ready:
            self.start(attempt, worker)

    def start(self, attempt: Attempt, worker: FleetWorker) -> None:
        """Append JobStarted, now that the worker is ready. The job runs once that was read back."""
        attempt.phase = Phase.STARTING
        worker_id = worker.settings.worker_id
        event = JobStarted(job_id=attempt.job_id, writer=self._host_id, attempt=attempt.number, worker_id=worker_id)
        self._instructions.append(Append(event=event))

    def reported(self, report: Report) -> None:
        """End an attempt as its driver reports. A report of a run that was not sent, or was reported before, is ignored."""
        worker = self._fleet.workers.get(report.worker)
        if worker is None or (report.job_id, report.attempt) not in worker.runs:
            return
        del worker.runs[report.job_id, report.attempt]
        if isinstance(report, RunCanceled) and report.abandoned:
            worker.abandoned = True
            self._fleet.drain(worker)
        attempt = worker.attempts.get(report.job_id)
        if attempt is not None and attempt.number == report.attempt:
            self._end(attempt, outcomes.outcome(self._host_id, self._fold.jobs[report.job_id], report))
        else:
            self._fleet.release(worker)

    def lose_all(self, worker: FleetWorker, loss: outcomes.Loss) -> None:
        """Lose all attempts in a worker that is gone."""
        for attempt in list(worker.attempts.values()):
            self._lose(attempt, loss)

    def stop_all(self, worker: FleetWorker) -> None:
        """End all attempts in a worker stopped on request: running ones fail, the others are tried again."""
        for attempt in list(worker.attempts.values()):
            job = self._fold.jobs[attempt.job_id]
            if job.status is Status.CANCELLING:
                self._end(attempt, self._canceled(attempt))
            elif attempt.phase is Phase.RUNNING:
                self._end(attempt, outcomes.failed(self._host_id, job, outcomes.WORKER_STOPPED))
            else:
                self._lose(attempt, outcomes.Loss(reason=outcomes.WORKER_STOPPED))

    def hand_back(self) -> None:
        """Lose what has not started, for another host, since this one is to stop."""
        for attempt in list(self.held.values()):
            if attempt.phase in {Phase.WAITING, Phase.PLACED}:
                self._lose(attempt, outcomes.Loss(reason=outcomes.HOST_STOPPING))

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _canceled(self, attempt: Attempt) -> JobCanceled:
        return JobCanceled(job_id=attempt.job_id, writer=self._host_id, attempt=attempt.number)

    def _lose(self, attempt: Attempt, loss: outcomes.Loss) -> None:
        self._end(attempt, outcomes.lost(self._host_id, attempt.job_id, attempt.number, loss))

    def _end(self, attempt: Attempt, event: HostEvent) -> None:
        """Append the attempt's end."""
        self._instructions.append(Append(event=event))
        self._leave(attempt)
        attempt.phase = Phase.ENDING
        self._ending += 1

    def _leave(self, attempt: Attempt) -> None:
        self._waiting.pop(attempt.job_id, None)
        worker, attempt.worker = attempt.worker, None
        if worker is not None:
            del worker.attempts[attempt.job_id]
            self._fleet.release(worker)
