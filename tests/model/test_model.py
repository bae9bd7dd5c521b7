"""Two schedulers, two hosts, drivers, leases and ticks over one log: whatever happens to them, the promises hold.

Hypothesis looks for a history that breaks one, over the real domain, the real scheduler's step and the real host's core.
`MIST_HISTORIES=100000 make test ARGS=tests/model` looks at that many new ones. Each rule that the promises
rest on is also taken out once, and the same moves then break one.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import integers

from mist_domain import job as job_module
from mist_domain.facts.job_events import JobCancelRequested, JobEvent
from mist_domain.facts.requests import job_id_of
from mist_domain.job import Job, Status
from mist_domain.scheduling.cluster import Cluster
from mist_worker_host.core.attempts import Attempts
from mist_worker_host.core.instructions import RunAttempt
from mist_worker_host.core.worker import Attempt, FleetWorker
from support.cluster_world import World, history

HISTORIES = int(os.environ.get("MIST_HISTORIES", "2000"))
few, some = integers(0, 3), integers(1, 6)


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(which=few, endpoint=few)
    def ask(self, which: int, endpoint: int) -> None:
        self.world.ask(which, endpoint)

    @rule(which=few, endpoint=few)
    def cancel(self, which: int, endpoint: int) -> None:
        self.world.cancel(which, endpoint)

    @rule(which=few, facts=some)
    def move_scheduler(self, which: int, facts: int) -> None:
        self.world.move_scheduler(which, facts)

    @rule(which=few, facts=some)
    def move_host(self, which: int, facts: int) -> None:
        self.world.move_host(which, facts)

    @rule(who=few)
    def land(self, who: int) -> None:
        self.world.land(who)

    @rule(who=few, times=some)
    def land_more(self, who: int, times: int) -> None:
        for _ in range(times):
            self.world.land(who)

    @rule(which=few, choice=few, how=few)
    def move_driver(self, which: int, choice: int, how: int) -> None:
        self.world.move_driver(which, choice, how)

    @rule(seconds=integers(0, 22))
    def pass_time(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    @rule(who=few, landed=few)
    def crash(self, who: int, landed: int) -> None:
        self.world.crash(who, landed)

    @rule(who=few, seconds=integers(1, 35))
    def freeze(self, who: int, seconds: int) -> None:
        self.world.freeze(who, seconds)

    @rule(which=few, seconds=integers(1, 35))
    def cut_off(self, which: int, seconds: int) -> None:
        self.world.cut_off(which, seconds)

    @rule(which=few, context=few)
    def stop_worker(self, which: int, context: int) -> None:
        self.world.stop_worker(which, context)

    @invariant()
    def laws(self) -> None:
        assert self.world.wrong == []

    def teardown(self) -> None:
        self.world.calm()
        assert self.world.wrong == []


@pytest.mark.timeout(1_800)  # half a minute of CPU
def test_no_job_starts_twice_no_cancel_is_lost_and_none_is_stuck() -> None:
    run_state_machine_as_test(
        Model,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=40,
            derandomize="MIST_HISTORIES" not in os.environ,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


# Without its rules


def breaches(count: int) -> Iterator[str]:
    for seed in range(count):
        world = history(seed)
        world.calm()
        yield from world.wrong


def test_the_random_histories_keep_the_laws_too() -> None:
    assert list(breaches(100)) == []


def test_every_end_is_reached() -> None:
    ends: set[Status] = set()
    for seed in range(60):
        world = history(seed)
        world.calm()
        ends |= {job.status for job in world.truth.values()}
    assert ends >= {Status.FINISHED, Status.FAILED, Status.CANCELED}


def takes_out_the_version(patch: pytest.MonkeyPatch) -> None:
    current = job_module._is_current

    def unversioned(job: Job, event: JobEvent) -> bool:
        return True if getattr(event, "version", None) is not None else current(job, event)

    patch.setattr(job_module, "_is_current", unversioned)


def takes_out_the_attempt(patch: pytest.MonkeyPatch) -> None:
    current = job_module._is_current

    def any_attempt(job: Job, event: JobEvent) -> bool:
        if getattr(event, "version", None) is None and hasattr(event, "attempt"):
            return True
        return current(job, event)

    patch.setattr(job_module, "_is_current", any_attempt)


def takes_out_the_read_back(patch: pytest.MonkeyPatch) -> None:
    start = Attempts.start

    def start_and_run(self: Attempts, attempt: Attempt, worker: FleetWorker) -> None:
        start(self, attempt, worker)
        self._run(attempt, worker)

    patch.setattr(Attempts, "start", start_and_run)


def takes_out_the_unconditional_cancel(patch: pytest.MonkeyPatch) -> None:
    current = job_module._is_current

    def only_before_the_start(job: Job, event: JobEvent) -> bool:
        if isinstance(event, JobCancelRequested):
            return job.status < Status.STARTED
        return current(job, event)

    patch.setattr(job_module, "_is_current", only_before_the_start)


def takes_out_the_lease(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("support.cluster_world.LEASE", 10**9)


def holds_what_may_follow_elsewhere(patch: pytest.MonkeyPatch) -> None:
    """While Kafka is away every driver lives on by its host's word."""
    patch.setattr(Attempts, "is_leased", lambda *_: False)


def forgets_the_lease_of_a_held_driver(patch: pytest.MonkeyPatch) -> None:
    """An attempt that may follow elsewhere begins in a driver that believes in a longer lease."""
    make = RunAttempt.__init__
    patch.setattr(RunAttempt, "__init__", lambda self, **fields: make(self, **(fields | {"leased": False})))


def takes_out_the_pace_of_ticks(patch: pytest.MonkeyPatch) -> None:
    """Every tick counts, also those of a second scheduler that thinks it is the active one."""
    make = Cluster.__init__
    patch.setattr(Cluster, "__init__", lambda self, name: make(self, name, 0))


@pytest.mark.parametrize(
    ("take_out", "breach"),
    [
        (takes_out_the_version, "was decided on"),
        (takes_out_the_attempt, "counts for attempt"),
        (takes_out_the_read_back, "starts"),
        (takes_out_the_unconditional_cancel, "was not taken"),
        (takes_out_the_lease, "starts while"),
        (holds_what_may_follow_elsewhere, "starts while"),
        (takes_out_the_pace_of_ticks, "starts while"),
    ],
)
def test_each_rule_is_needed(
    monkeypatch: pytest.MonkeyPatch, take_out: Callable[[pytest.MonkeyPatch], None], breach: str
) -> None:
    take_out(monkeypatch)
    assert any(breach in one for one in breaches(2_000))


def begun_in_a_held_driver() -> World:
    """A host that nobody hears reads its own JobStarted late, when it has held the driver for a while, and freezes."""
    world = World()
    world.ask(which=0, endpoint=1)
    while world.truth.get(job_id_of("again", "0"), Job("")).status is not Status.STARTED:
        world.pass_time(1)
        for who in range(4):
            world.move_scheduler(who, 9) if who < 2 else world.move_host(who, 1)
            world.move_driver(who, 0, 3)
            for _ in range(9):
                world.land(who)
    which = next(host.number for host in world.hosts if host.drivers)
    world.cut_off(which, 15)
    world.move_host(which, 99)
    world.freeze(2 + which, 20)
    return world


def test_an_attempt_that_begins_in_a_held_driver_has_only_its_hosts_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    world = begun_in_a_held_driver()
    assert (len(world.started), world.wrong) == (2, [])
    forgets_the_lease_of_a_held_driver(monkeypatch)
    assert any("starts while" in one for one in begun_in_a_held_driver().wrong)
