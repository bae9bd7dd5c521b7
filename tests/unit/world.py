"""A small world of two schedulers and two hosts over one log, run in random order. Real domain code, no Kafka.

Every actor reads the log at its own pace. What it appends travels for a while before the log has it, so that any
interleaving of "decided" and "appended" occurs. One scheduler may be a zombie: both act at once.
"""

import random
from dataclasses import dataclass, field

from mist_domain.cluster import Cluster, Decision
from mist_domain.decide import Refused, Settled, decide
from mist_domain.events import (
    JobAttemptLost,
    JobCanceled,
    JobCancelRequested,
    JobEvent,
    JobFailed,
    JobFinished,
    JobStarted,
)
from mist_domain.hosts import HostState, Tick
from mist_domain.job import Job, Status, evolve
from mist_domain.plan import plan
from mist_domain.registry import Context, ContextDefined, Endpoint, EndpointDefined
from mist_domain.requests import CancelRequest, Origin, StartRequest, job_id_of

ENDPOINTS = {"once": 0, "again": 1}
Seen = tuple[Status, int]


@dataclass
class Log:
    """Records in order, and appends that are still on their way (in order per writer)."""

    records: list[JobEvent] = field(default_factory=list)
    travelling: dict[str, list[JobEvent]] = field(default_factory=dict)

    def send(self, writer: str, *events: JobEvent) -> None:
        self.travelling.setdefault(writer, []).extend(events)

    def land(self, writer: str) -> None:
        if self.travelling.get(writer):
            self.records.append(self.travelling[writer].pop(0))


@dataclass
class Scheduler:
    name: str
    log: Log
    cluster: Cluster = field(init=False)
    read: int = 0
    requests_read: int = 0
    waiting: list[tuple[StartRequest | CancelRequest, Origin]] = field(default_factory=list)
    seen: dict[int, Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.name)
        for name, retries in ENDPOINTS.items():
            endpoint = Endpoint(name=name, path="p", class_name="c", retries=retries)
            self.cluster.fold_registry(EndpointDefined(endpoint=endpoint), 0, 0)
        self.cluster.fold_registry(ContextDefined(context=Context(name="default", max_jobs=2)), 1, 0)

    def hear(self, record: HostState | Tick, at: int) -> None:
        self.cluster.fold_host(record, at, live=True)

    def catch_up(self, count: int) -> None:
        for event in self.log.records[self.read : self.read + count]:
            self.cluster.fold_job(event, self.read, 0, self.read)
            self.read += 1

    def step(self, requests: list[StartRequest | CancelRequest]) -> None:
        for offset, request in enumerate(requests[self.requests_read :], self.requests_read):
            self.waiting.append((request, Origin(topic="r", partition=0, offset=offset, time=offset)))
        self.requests_read = len(requests)
        arrivals: list[Decision] = []
        still = []
        for request, origin in self.waiting:
            verdict = decide(self.cluster, request, origin)
            if isinstance(verdict, Decision):
                self.cluster.begin(verdict)
                arrivals.append(verdict)
            if not isinstance(verdict, Settled | Refused):
                still.append((request, origin))
        self.waiting = still
        for decision in plan(self.cluster, arrivals):
            self._send(decision)

    def give_up(self, job: Job) -> None:
        """A scheduler that believes the host lost, wrongly or not."""
        event = JobAttemptLost(
            job_id=job.job_id, writer=self.name, version=job.version, attempt=job.attempt, reason="host lost"
        )
        decision = Decision(job.job_id, (event,))
        self.cluster.begin(decision)
        self._send(decision)

    def _send(self, decision: Decision) -> None:
        job = self.cluster.jobs.get(decision.job_id) or Job(decision.job_id)
        for event in decision.events:
            self.seen[id(event)] = (job.status, job.attempt)
            job = evolve(job, event, 0)
        self.log.send(self.name, *decision.events)


@dataclass
class Host:
    """Runs user code only after it has read its own accepted `JobStarted` back."""

    name: str
    log: Log
    read_back: bool = True
    read: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    said: set[tuple[str, int, str]] = field(default_factory=set)
    running: set[tuple[str, int]] = field(default_factory=set)
    ran: list[tuple[str, int, int]] = field(default_factory=list)

    def catch_up(self, count: int) -> None:
        for event in self.log.records[self.read : self.read + count]:
            self._fold(event)
            self.read += 1

    def _fold(self, event: JobEvent) -> None:
        before = self.jobs.get(event.job_id, Job(event.job_id))
        job = self.jobs[event.job_id] = evolve(before, event, self.read)
        if job is before:
            return
        key = (job.job_id, job.attempt)
        mine = job.host_id == self.name
        if mine and job.status is Status.ASSIGNED:
            self._say(JobStarted(job_id=job.job_id, writer=self.name, attempt=job.attempt, worker_id="w"))
            if not self.read_back:
                self._run(key)
        elif mine and job.status is Status.STARTED and self.read_back:
            self._run(key)
        elif mine and job.status is Status.CANCELLING and key not in self.running:
            self._say(JobCanceled(job_id=job.job_id, writer=self.name, attempt=job.attempt))
        elif not mine or job.status.final:
            self.running = {one for one in self.running if one[0] != job.job_id}

    def _run(self, key: tuple[str, int]) -> None:
        self.running.add(key)
        self.ran.append((*key, self.read))

    def _say(self, event: JobStarted | JobFinished | JobFailed | JobCanceled | JobAttemptLost) -> None:
        key = (event.job_id, event.attempt or 0, type(event).__name__)
        if key not in self.said:
            self.said.add(key)
            self.log.send(self.name, event)

    def work(self, rng: random.Random) -> None:
        """Something running ends: well, badly, by its cancel, or with its driver."""
        for job_id, attempt in sorted(self.running):
            job = self.jobs[job_id]
            ends: list[JobFinished | JobFailed | JobCanceled | JobAttemptLost] = [
                JobFinished(job_id=job_id, writer=self.name, attempt=attempt, result="{}"),
                JobFailed(job_id=job_id, writer=self.name, attempt=attempt, error="E: x"),
                JobAttemptLost(job_id=job_id, writer=self.name, attempt=attempt, reason="driver died"),
            ]
            if job.status is Status.CANCELLING:
                ends = [JobCanceled(job_id=job_id, writer=self.name, attempt=attempt), *ends[:1]]
            self.running.discard((job_id, attempt))
            self._say(rng.choice(ends))
            return


@dataclass
class World:
    """One random history: `play` disturbs, `calm` lets everybody work in peace until nothing moves."""

    seed: int
    read_back: bool = True
    requests: list[StartRequest | CancelRequest] = field(default_factory=list)
    log: Log = field(default_factory=Log)
    time: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.schedulers = [Scheduler("s1", self.log), Scheduler("s2", self.log)]
        self.hosts = [Host("h1", self.log, self.read_back), Host("h2", self.log, self.read_back)]
        self._heartbeat()

    def _heartbeat(self) -> None:
        self.time += 1_000
        for scheduler in self.schedulers:
            for host in self.hosts:
                state = HostState(
                    host_id=host.name, name=host.name, address="", slots=3, max_workers=9, spark_version="4"
                )
                scheduler.hear(state, self.time)
            scheduler.hear(Tick(scheduler_id="s"), self.time)

    def play(self, moves: int) -> "World":
        for _ in range(moves):
            self._move()
        return self

    def _move(self) -> None:
        rng = self.rng
        match rng.choice(("ask", "cancel", "read", "read", "step", "step", "land", "land", "work", "lose", "beat")):
            case "ask" if len(self.requests) < 6:
                self.requests.append(self._a_request())
            case "cancel" if rng.random() < 0.3:
                job_id = job_id_of(rng.choice(list(ENDPOINTS)), str(rng.randrange(3)))
                self.requests.append(CancelRequest(job_id=job_id, requested_by="user", reason="asked"))
            case "read":
                readers: list[Scheduler | Host] = [*self.schedulers, *self.hosts]
                rng.choice(readers).catch_up(rng.randrange(1, 4))
            case "step":
                rng.choice(self.schedulers).step(self.requests)
            case "land":
                self.log.land(rng.choice(["s1", "s2", "h1", "h2"]))
            case "work":
                rng.choice(self.hosts).work(rng)
            case "lose" if rng.random() < 0.2:
                self._lose()
            case "beat":
                self._heartbeat()
            case _:
                pass

    def _a_request(self) -> StartRequest:
        rng = self.rng
        return StartRequest(request_id=str(rng.randrange(3)), endpoint=rng.choice(list(ENDPOINTS)), source="t")

    def _lose(self) -> None:
        scheduler = self.rng.choice(self.schedulers)
        cluster = scheduler.cluster
        held = [
            job
            for job in cluster.jobs.values()
            if Status.ASSIGNED <= job.status <= Status.CANCELLING and not cluster.is_deciding(job.job_id)
        ]
        if held:
            scheduler.give_up(self.rng.choice(held))

    def calm(self) -> "World":
        """Let everything arrive; after `rounds` without an end the history is stuck."""
        for _ in range(200):
            size = len(self.log.records)
            self._heartbeat()
            for scheduler in self.schedulers:
                scheduler.catch_up(10_000)
                scheduler.step(self.requests)
            for host in self.hosts:
                host.catch_up(10_000)
                host.work(self.rng)
            for writer in ("s1", "s2", "h1", "h2"):
                for _ in range(len(self.log.travelling.get(writer, ()))):
                    self.log.land(writer)
            if len(self.log.records) == size and self._over():
                break
        return self

    def _over(self) -> bool:
        return all(job.status.final for job in self.truth().values())

    def truth(self) -> dict[str, Job]:
        jobs: dict[str, Job] = {}
        for at, event in enumerate(self.log.records):
            jobs[event.job_id] = evolve(jobs.get(event.job_id, Job(event.job_id)), event, at)
        return jobs

    # -- what must never be ------------------------------------------------------------------------------------------

    def started_too_often(self) -> list[str]:
        """Jobs whose user code ran more often than once and its retries, or one attempt of which ran twice."""
        ran = [(job_id, attempt) for host in self.hosts for job_id, attempt, _ in host.ran]
        often = [
            job.job_id
            for job in self.truth().values()
            if sum(job_id == job.job_id for job_id, _ in ran) > 1 + job.request.retries
        ]
        return often + [job_id for job_id, attempt in ran if ran.count((job_id, attempt)) > 1]

    def decided_on_another_state(self) -> list[str]:
        """Accepted decisions whose scheduler had seen the job in another state than the log had it."""
        seen = {key: value for scheduler in self.schedulers for key, value in scheduler.seen.items()}
        wrong, jobs = [], dict[str, Job]()
        for at, event in enumerate(self.log.records):
            before = jobs.get(event.job_id, Job(event.job_id))
            after = jobs[event.job_id] = evolve(before, event, at)
            unconditional = isinstance(event, JobCancelRequested)
            if after is not before and id(event) in seen and not unconditional:
                wrong += [event.job_id] * (seen[id(event)] != (before.status, before.attempt))
        return wrong

    def stuck(self) -> list[str]:
        return [job.job_id for job in self.truth().values() if not job.status.final]

    def lost_cancels(self) -> list[str]:
        """Jobs that had not ended when the log got a cancel, and that did not take it or went on after it."""
        lost, jobs = [], dict[str, Job]()
        for at, event in enumerate(self.log.records):
            before = jobs.get(event.job_id, Job(event.job_id))
            after = jobs[event.job_id] = evolve(before, event, at)
            forgotten = after.cancel is not None and after.status < Status.CANCELLING
            not_taken = isinstance(event, JobCancelRequested) and after.cancel is None and not before.status.final
            lost += [event.job_id] * (forgotten or not_taken)
        return lost
