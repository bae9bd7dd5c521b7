"""A world of two schedulers and two hosts over one log: the real scheduler's step, the real host's core, no Kafka.

Everybody reads at a pace of their own; what is appended travels before it stands in the log, and a crash may lose what
still travels. Who is not moved is paused, while time, and with it leases, goes on. Both schedulers may think that they
are the active one. Times are in ms; `now` is the broker's clock, the hosts' and the drivers'.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import JobAttemptLost, JobCancelRequested, JobEvent, JobFinished, JobInitialized
from mist_domain.facts.registry import Context, ContextDefined, Endpoint, EndpointDefined, Mode
from mist_domain.facts.requests import CancelRequest, Origin, StartRequest, StopWorkerRequest, job_id_of
from mist_domain.job import Job, Status, evolve
from mist_domain.scheduling.cluster import NO_CHANGES, Cluster, merged
from mist_eventlog import Record
from mist_scheduler.intake import Intake, Pending
from mist_scheduler.step import step
from mist_worker_host.core.attempts import Identity, TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.instructions import Append, Cancel, Instruction, Kill, Launch, Publish, RunAttempt, StopIdle
from mist_worker_host.core.stimuli import (
    CaughtUp,
    DriverExited,
    DriverReady,
    DriverSpawned,
    DriverUnusable,
    Fact,
    Read,
    RunCanceled,
    RunFailed,
    RunFinished,
    Stimulus,
    TimePassed,
)

SECOND = 1_000
LEASE = 20 * SECOND
SLOTS, PLACES = 3, 2
RETRIES = {"once": 0, "again": 1}
CONTEXTS: dict[str, Mode] = {"shared": "shared", "single": "exclusive"}
REQUEST_IDS = 4
WELL = 3
"""Of what a driver may do: get ready, or end a run well."""
Code = tuple[str, int]


@dataclass
class Driver:
    """A driver process; `runs`: the attempts whose code runs in it → whether a cancel came."""

    host: "Host"
    key: int
    lease: int
    ready: bool = False
    runs: dict[Code, bool] = field(default_factory=dict)


class Scheduler:
    """One start of a scheduler. It reads the log to its end first, requests from what was committed."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.cluster = Cluster(name)
        self.changes = NO_CHANGES
        self.intake = Intake[Record]()
        self.travelling: list[JobEvent | Tick] = []
        self.read = self.heard = 0
        self.asked = world.committed
        self.ticked_at: int | None = 0
        for name_, retries in RETRIES.items():
            endpoint = Endpoint(name=name_, path="file:///p.py", class_name="c", retries=retries)
            self.cluster.fold_registry(EndpointDefined(endpoint=endpoint), 0, 0)
        for context, mode in CONTEXTS.items():
            defined = ContextDefined(context=Context(name=context, worker_mode=mode, max_jobs=2))
            self.cluster.fold_registry(defined, 1, 0)
        self.catch_up(len(world.log), len(world.told), live=False)
        self.changes = NO_CHANGES

    def catch_up(self, facts: int, states: int, *, live: bool = True) -> None:
        news = [self.changes]
        for event, at in self.world.log[self.read : self.read + facts]:
            news.append(self.cluster.fold_job(event, at, 0, self.read))
            self.read += 1
        for record, at in self.world.told[self.heard : self.heard + states]:
            if isinstance(record, Tick) and record.scheduler_id == self.name:
                self.ticked_at = self.world.now
            news.append(self.cluster.fold_host(record, at, live=live))
            self.heard += 1
        self.changes = merged(news)

    def act(self) -> None:
        """Decide what can be decided, tick when it is time, commit what the log shows."""
        for offset in range(self.asked, len(self.world.requests)):
            request, at = self.world.requests[offset]
            origin = Origin(topic="r", partition=0, offset=offset, time=at)
            self.intake.add(Pending(request, origin, Record("r", 0, offset, at, None, b"", ())))
        self.asked = len(self.world.requests)
        taken = step(self.cluster, self.intake, self.changes)
        self.changes = NO_CHANGES
        for decision in taken.decisions:
            job = self.cluster.jobs.open.get(decision.job_id) or Job(decision.job_id)
            for event in decision.events:
                self.world.seen[id(event)] = (event, job.status, job.attempt)
                job = evolve(job, event, 0)
                self.travelling.append(event)
        for pending, _ in taken.refused:
            self.intake.settle(pending.origin)
        if self.ticked_at is not None and self.world.now - self.ticked_at >= SECOND:
            self.ticked_at = None
            self.travelling.append(Tick(scheduler_id=self.name))
        for offset in self.intake.committable().values():
            self.world.committed = max(self.world.committed, offset)


class Host:
    """One start of a host, and its drivers, which end with it."""

    def __init__(self, world: "World", number: int, start: int, replaces: str | None) -> None:
        self.world = world
        self.number = number
        self.name = f"h{number}-{start}"
        identity = Identity(
            host_id=self.name, name=self.name, address="", slots=SLOTS, max_workers=PLACES, partitions=1,
            spark_version="4", replaces=replaces,
        )  # fmt: skip
        self.core = HostCore(identity, TimeLimits())
        self.travelling: list[JobEvent | tuple[HostState, int]] = []
        self.acknowledged: list[int] = []
        self.inbox: list[Stimulus] = []
        self.drivers: dict[int, Driver] = {}
        self.read = 0
        self.lease = world.now + LEASE
        self.beat_at = -SECOND
        self.catch_up(len(world.log))
        self.inbox.append(CaughtUp())

    def catch_up(self, facts: int) -> None:
        """Read on; records wait in the inbox until the host acts."""
        found = self.world.log[self.read : self.read + facts]
        read = tuple(Fact(0, self.read + index, at, event) for index, (event, at) in enumerate(found))
        self.read += len(found)
        if read:
            self.inbox.append(Read(facts=read))

    def act(self) -> None:
        """Renew the lease by what was acknowledged, then take what came, in order; beat when it is time."""
        for sent in self.acknowledged:
            self.lease = max(self.lease, sent + LEASE)
            for driver in self.drivers.values():
                driver.lease = self.lease
        self.acknowledged.clear()
        if self.world.now - self.beat_at >= SECOND:
            self.beat_at = self.world.now
            self.inbox.append(TimePassed(now=self.world.now / SECOND))
            for key in self.core.unleased() & self.drivers.keys():
                self.drivers[key].lease = self.world.now + LEASE
        inbox, self.inbox = self.inbox, []
        for stimulus in inbox:
            self._tell(stimulus)

    def _tell(self, stimulus: Stimulus) -> None:
        for instruction in self.core.handle(stimulus):
            self._carry_out(instruction)

    def _carry_out(self, instruction: Instruction) -> None:
        match instruction:
            case Append():
                self.travelling.append(instruction.event)
            case Publish():
                self.travelling.append((self.core.state(), self.world.now))
            case Launch():
                self.drivers[instruction.worker] = Driver(self, instruction.worker, self.lease)
                self.world.law(len(self.drivers) <= PLACES, f"{self.name} has {len(self.drivers)} drivers")
            case RunAttempt():
                self._run(instruction)
            case Cancel() if instruction.worker in self.drivers:
                runs = self.drivers[instruction.worker].runs
                if (instruction.job_id, instruction.attempt) in runs:
                    runs[instruction.job_id, instruction.attempt] = True
            case Kill() | StopIdle():
                self._end(instruction.worker, "signal 9")
            case _:
                pass

    def _run(self, run: RunAttempt) -> None:
        driver = self.drivers.get(run.worker)
        if driver is None:
            return
        if run.leased:
            driver.lease = self.lease
        code = (run.job.job_id, run.attempt)
        self.world.begin(code, run.job.retries)
        driver.runs[code] = False

    def _end(self, key: int, reason: str) -> None:
        if self.drivers.pop(key, None) is not None:
            self.inbox.append(DriverExited(worker=key, reason=reason))

    def expire(self) -> None:
        """Drivers whose lease has ended are dead, whatever the host is doing."""
        for driver in [one for one in self.drivers.values() if one.lease <= self.world.now]:
            self._end(driver.key, "the lease ended")

    def move_driver(self, choice: int, how: int) -> None:
        """One driver does something: gets ready, ends a run, or (`how` 0) dies."""
        if not self.drivers:
            return
        driver = list(self.drivers.values())[choice % len(self.drivers)]
        if how == 0:
            self._end(driver.key, "exit code 1")
        elif not driver.ready and how == 1:
            self.inbox.append(DriverUnusable(worker=driver.key, error="no"))
        elif not driver.ready:
            driver.ready = True
            self.inbox += [DriverSpawned(worker=driver.key, pid=1), DriverReady(worker=driver.key)]
        elif driver.runs:
            self._end_run(driver, how)

    def _end_run(self, driver: Driver, how: int) -> None:
        (job_id, attempt), canceled = next(iter(driver.runs.items()))
        del driver.runs[job_id, attempt]
        named: dict[str, Any] = {"worker": driver.key, "job_id": job_id, "attempt": attempt}
        if canceled and how != 1:
            self.inbox.append(RunCanceled(**named, abandoned=how == 2))
        elif how == 1:
            self.inbox.append(RunFailed(**named, error="E"))
        else:
            self.inbox.append(RunFinished(**named, result="{}"))


class World:
    """`wrong` holds the laws that were broken, in words."""

    def __init__(self) -> None:
        self.now = 0
        self.log: list[tuple[JobEvent, int]] = []
        self.told: list[tuple[HostState | Tick, int]] = []
        self.requests: list[tuple[StartRequest | CancelRequest, int]] = []
        self.committed = 0
        self.truth: dict[str, Job] = {}
        self.started: list[Code] = []
        self.seen: dict[int, tuple[JobEvent, Status, int]] = {}
        self.wrong: list[str] = []
        self.starts = 0
        self.schedulers = [Scheduler(self, self._name("s")) for _ in range(2)]
        self.hosts = [Host(self, number, 0, None) for number in range(2)]

    # -- laws ----------------------------------------------------------------------------------------------------------

    def law(self, kept: bool, broken: str) -> None:  # noqa: FBT001 (a law is kept or not)
        if not kept:
            self.wrong.append(broken)

    def begin(self, code: Code, retries: int) -> None:
        """User code of an attempt starts."""
        job_id, _ = code
        elsewhere = [one for host in self.hosts for one in self._running(host) if one[0] == job_id]
        self.law(not elsewhere, f"{code} starts while {elsewhere} runs")
        self.law(code not in self.started, f"{code} starts twice")
        starts = 1 + sum(one[0] == job_id for one in self.started)
        self.law(starts <= 1 + retries, f"{job_id} starts {starts} times, with {retries} retries")
        self.started.append(code)

    def _running(self, host: Host) -> list[Code]:
        return [code for driver in host.drivers.values() for code in driver.runs]

    # -- the log -------------------------------------------------------------------------------------------------------

    def append(self, event: JobEvent) -> None:
        before = self.truth.get(event.job_id, Job(event.job_id))
        after = self.truth[event.job_id] = evolve(before, event, self.now)
        self.log.append((event, self.now))
        if after is before:
            self.law(not self._is_lost_cancel(event, before), f"a cancel of {event.job_id} was not taken")
            return
        self.law(not before.status.final, f"{event.job_id} was {before.status.word} and went on")
        forgotten = after.cancel is not None and after.status < Status.CANCELLING
        self.law(not forgotten, f"{event.job_id} goes on though it was canceled")
        self._judge(event, before)

    def _is_lost_cancel(self, event: JobEvent, before: Job) -> bool:
        known = before.status is not Status.UNKNOWN
        return isinstance(event, JobCancelRequested) and known and before.cancel is None and not before.status.final

    def _judge(self, event: JobEvent, before: Job) -> None:
        """An accepted fact was said of the job as it is."""
        seen = self.seen.get(id(event))
        if seen is not None and not isinstance(event, JobCancelRequested | JobInitialized):
            self.law(seen[1:] == (before.status, before.attempt), f"{event} was decided on {seen[1:]}, not {before}")
        if isinstance(event, JobFinished | JobAttemptLost):
            self.law(event.attempt == before.attempt, f"{event} counts for attempt {before.attempt}")

    # -- what may happen -----------------------------------------------------------------------------------------------

    def ask(self, which: int, endpoint: int) -> None:
        """A client asks, perhaps again with the same id; the same id asks for the same."""
        which %= REQUEST_IDS
        request = StartRequest(
            request_id=f"{which}",
            endpoint=list(RETRIES)[endpoint % 2],
            context=list(CONTEXTS)[which % 2],
            source="t",
            perform_timeout=10 * SECOND if which == REQUEST_IDS - 1 else None,
        )
        self.requests.append((request, self.now))

    def cancel(self, which: int, endpoint: int) -> None:
        job_id = job_id_of(list(RETRIES)[endpoint % 2], f"{which % REQUEST_IDS}")
        self.requests.append((CancelRequest(job_id=job_id, requested_by="user", reason="asked"), self.now))

    def pass_time(self, seconds: int) -> None:
        self.now += seconds * SECOND
        for host in self.hosts:
            host.expire()

    def move_scheduler(self, which: int, facts: int) -> None:
        scheduler = self.schedulers[which % 2]
        scheduler.catch_up(facts, facts)
        scheduler.act()

    def move_host(self, which: int, facts: int) -> None:
        host = self.hosts[which % 2]
        host.catch_up(facts)
        host.act()

    def land(self, who: int) -> None:
        """The next append of one writer reaches the log."""
        actor = self._actor(who)
        if actor.travelling:
            self._land(actor, actor.travelling.pop(0))

    def _land(self, actor: Scheduler | Host, record: Any) -> None:
        match record:
            case Tick():
                self.told.append((record, self.now))
            case (HostState() as state, sent):
                self.told.append((state, self.now))
                assert isinstance(actor, Host)
                actor.acknowledged.append(sent)
            case _:
                self.append(record)

    def crash(self, who: int, landed: int) -> None:
        """`kill -9`: of what was under way the first `landed` records reach the log; another start takes over."""
        actor = self._actor(who)
        for record in actor.travelling[: landed % 4]:
            self._land(actor, record)
        if isinstance(actor, Scheduler):
            self.schedulers[who % 4] = Scheduler(self, self._name("s"))
        else:
            actor.drivers.clear()
            number = actor.number
            self.hosts[number] = Host(self, number, self._count(), actor.name)

    def stop_worker(self, which: int, context: int) -> None:
        host = self.hosts[which % 2]
        host.inbox.append(StopWorkerRequest(host_id=host.name, worker_id=list(CONTEXTS)[context % 2]))

    def move_driver(self, which: int, choice: int, how: int) -> None:
        self.hosts[which % 2].move_driver(choice, how)

    def freeze(self, who: int, seconds: int) -> None:
        """One of them stands still while everybody else works in peace; what runs runs on."""
        for _ in range(seconds):
            self._quiet_second(without=who % 4)

    def cut_off(self, which: int, seconds: int) -> None:
        """A host lives, yet neither reads nor is heard, while everybody else works in peace."""
        for _ in range(seconds):
            self._quiet_second(without=2 + which % 2)
            self.hosts[which % 2].act()

    # -- the end -------------------------------------------------------------------------------------------------------

    def calm(self, rounds: int = 120) -> None:
        """Nobody fails any more and everything arrives: all must come to its end."""
        for _ in range(rounds):
            self._quiet_second()
            if self._over():
                break
        self._check_end()

    def _quiet_second(self, without: int | None = None) -> None:
        self.pass_time(1)
        for _ in range(2):
            for who in range(4):
                if who != without:
                    self._work(who, end_runs=without is None)

    def _work(self, who: int, *, end_runs: bool) -> None:
        """Read all, act, let drivers get on, append all."""
        if who < len(self.schedulers):
            self.move_scheduler(who, len(self.log) + len(self.told))
        else:
            host = self.hosts[who % 2]
            self.move_host(who, len(self.log))
            for choice, driver in enumerate(list(host.drivers.values())):
                if end_runs or not driver.ready:
                    host.move_driver(choice, WELL)
            host.act()
        for _ in range(len(self._actor(who).travelling)):
            self.land(who)

    def _over(self) -> bool:
        wanted = self._wanted()
        return all(job_id in self.truth and self.truth[job_id].status.final for job_id in wanted) and all(
            scheduler.read == len(self.log) and self.committed == len(self.requests) for scheduler in self.schedulers
        )

    def _wanted(self) -> set[str]:
        starts = [request for request, _ in self.requests if isinstance(request, StartRequest)]
        return {job_id_of(one.endpoint, one.request_id or "") for one in starts}

    def _check_end(self) -> None:
        for job_id in self._wanted():
            job = self.truth.get(job_id, Job(job_id))
            self.law(job.status.final, f"{job_id} is {job.status.word} for ever")
        for host in self.hosts:
            stray = [code for code in self._running(host) if self.truth[code[0]].status.final]
            self.law(not stray, f"{stray} run though their jobs are over")
        for scheduler in self.schedulers:
            ends = {job_id: ended.status for job_id, ended in scheduler.cluster.jobs.ended.items()}
            truth = {job_id: job.status for job_id, job in self.truth.items() if job.status.final}
            self.law(ends == truth, f"{scheduler.name} has other ends than the log")

    def _actor(self, who: int) -> "Scheduler | Host":
        actors: list[Scheduler | Host] = [*self.schedulers, *self.hosts]
        return actors[who % 4]

    def _name(self, kind: str) -> str:
        return f"{kind}{self._count()}"

    def _count(self) -> int:
        self.starts += 1
        return self.starts


def history(seed: int, moves: int = 120) -> World:
    """The same moves, drawn at random: quicker than Hypothesis where a breach is easy to find."""
    rng, world = random.Random(seed), World()
    draw: list[Callable[[], None]] = [
        lambda: world.ask(rng.randrange(4), rng.randrange(2)),
        lambda: world.cancel(rng.randrange(4), rng.randrange(2)),
        *[lambda: world.move_scheduler(rng.randrange(2), rng.randrange(1, 7))] * 3,
        *[lambda: world.move_host(rng.randrange(2), rng.randrange(1, 7))] * 3,
        *[lambda: world.land(rng.randrange(4))] * 5,
        *[lambda: world.move_driver(rng.randrange(2), rng.randrange(4), rng.randrange(8))] * 2,
        lambda: world.pass_time(rng.choice((0, 0, 1, 1, 2, 8))),
        lambda: world.crash(rng.randrange(4), rng.randrange(4)) if rng.random() < 0.3 else None,
        lambda: world.freeze(rng.randrange(4), rng.choice((2, 35))) if rng.random() < 0.3 else None,
        lambda: world.cut_off(rng.randrange(2), rng.choice((2, 35))) if rng.random() < 0.3 else None,
        lambda: world.stop_worker(rng.randrange(2), rng.randrange(2)) if rng.random() < 0.2 else None,
    ]
    for _ in range(moves):
        rng.choice(draw)()
    return world
