"""The threads of a driver: growing, taking back, stopping a job at any moment without touching another. No Spark."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mist_driver import protocol
from mist_driver.output.job_log import JobLog
from mist_driver.run import cancel as stopping
from mist_driver.run.cancel import stop_run
from mist_driver.run.pool import Pool
from mist_driver.run.run import CURRENT, Run, RunState
from mist_driver.spark.patches import JobInterrupted

Body = Callable[[], None]


def finished(job_id: str) -> protocol.Finished:
    return protocol.Finished(job_id=job_id, attempt=1, result="{}")


def canceled(job_id: str, *, abandoned: bool = False) -> protocol.Canceled:
    return protocol.Canceled(job_id=job_id, attempt=1, abandoned=abandoned)


class Bench:
    """A pool whose jobs are functions of this file; it keeps what was reported."""

    def __init__(self, limit: int) -> None:
        self.bodies: dict[str, Body] = {}
        self.outcomes: dict[str, list[protocol.Outcome]] = {}
        self.threads: dict[str, threading.Thread] = {}
        self.change = threading.Condition()
        self.pool = Pool(limit, self.perform, self.report)

    def perform(self, run: Run) -> protocol.Outcome:
        run.origin = __file__
        self.threads[run.job_id] = threading.current_thread()
        self.bodies[run.job_id]()
        return finished(run.job_id)

    def report(self, run: Run, outcome: protocol.Outcome) -> None:
        with self.change:
            self.outcomes.setdefault(run.job_id, []).append(outcome)
            self.change.notify_all()

    def run(self, name: str, body: Body) -> Run:
        log = JobLog(lambda _: None, lambda _: None)
        run = Run(job_id=name, attempt=1, path="", class_name="", arguments="{}", log=log)
        self.bodies[name] = body
        self.pool.submit(run)
        return run

    def abandon(self, run: Run) -> None:
        self.pool.retire()
        self.report(run, canceled(run.job_id, abandoned=True))

    def stop(self, run: Run, grace: float = 5.0) -> None:
        run.cancel_requested = True
        stop_run(run, lambda _: None, grace, self.abandon)

    def ends(self, *names: str) -> list[protocol.Outcome]:
        with self.change:
            assert self.change.wait_for(lambda: all(name in self.outcomes for name in names), 10), self.outcomes
            return [self.outcomes[name][0] for name in names]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_threads_are_used_again(gate: threading.Event) -> None:
    bench = Bench(8)
    for number in range(20):
        bench.run(str(number), lambda: None)
        bench.ends(str(number))
    assert len(set(bench.threads.values())) <= 2


def test_the_pool_grows_to_its_limit_and_no_further(gate: threading.Event) -> None:
    bench = Bench(3)
    runs = [bench.run(str(number), lambda: wait(gate)) for number in range(5)]
    eventually(lambda: len(bench.threads) == 3)
    assert [run.state for run in runs[3:]] == [RunState.WAITING, RunState.WAITING]
    gate.set()
    assert bench.ends(*"01234") == [finished(number) for number in "01234"]
    assert len(set(bench.threads.values())) == 3


def test_only_what_no_thread_has_begun_can_be_taken_back(gate: threading.Event) -> None:
    bench = Bench(1)
    first, second = bench.run("1", lambda: wait(gate)), bench.run("2", lambda: None)
    eventually(lambda: first.state is RunState.RUNNING)
    assert not first.withdraw()
    assert second.withdraw()
    assert not second.withdraw()
    bench.run("3", lambda: None)
    gate.set()
    bench.ends("1", "3")
    assert "2" not in bench.outcomes


def test_a_loop_is_interrupted_and_its_thread_not_used_again() -> None:
    bench = Bench(1)
    run = bench.run("loop", loop)
    eventually(lambda: run.state is RunState.RUNNING)
    bench.stop(run)
    bench.run("next", lambda: None)
    assert bench.ends("loop", "next") == [canceled("loop"), finished("next")]
    assert bench.threads["loop"] != bench.threads["next"]


def test_code_outside_the_job_is_not_interrupted_but_left_alone(gate: threading.Event) -> None:
    bench = Bench(1)
    run = bench.run("waits", lambda: wait(gate))
    eventually(lambda: run.state is RunState.RUNNING)
    bench.stop(run, grace=0.6)
    bench.run("next", lambda: None)
    assert bench.ends("waits", "next") == [canceled("waits", abandoned=True), finished("next")]
    assert run.interrupted_at is None
    gate.set()
    eventually(lambda: not bench.threads["waits"].is_alive())
    assert len(bench.outcomes["waits"]) == 1


def test_what_swallows_the_interrupt_gets_it_again() -> None:
    bench = Bench(1)
    run = bench.run("twice", swallow_once)
    eventually(lambda: run.state is RunState.RUNNING)
    bench.stop(run)
    assert bench.ends("twice") == [canceled("twice")]


def test_a_job_knows_itself_and_its_thread_forgets_it() -> None:
    bench = Bench(1)
    seen: list[Any] = []
    run = bench.run("me", lambda: seen.append(CURRENT.get()))
    bench.ends("me")
    assert seen == [run]


@pytest.mark.parametrize("seed", range(4))
def test_stopping_at_any_moment_gives_every_job_one_end_and_touches_no_other(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that end by themselves just when they are interrupted, beside jobs that nobody stops."""
    monkeypatch.setattr(stopping, "FIRST_INTERRUPT", 0.0)
    monkeypatch.setattr(stopping, "LOOK_AGAIN", 0.0005)
    dice, count = random.Random(seed), 40
    bench = Bench(4)
    for number in range(count):
        stopped = bench.run(f"stopped-{number}", spin_for(dice.uniform(0.0, 0.01)))
        eventually(lambda run=stopped: run.state is not RunState.WAITING)  # type: ignore[misc]
        time.sleep(dice.uniform(0.0, 0.01))
        bench.stop(stopped)
        bench.run(f"other-{number}", spin_for(0.001))
    bench.ends(*(f"stopped-{number}" for number in range(count)))
    others = [f"other-{number}" for number in range(count)]
    assert bench.ends(*others) == [finished(other) for other in others]
    assert all(len(outcomes) == 1 for outcomes in bench.outcomes.values())


def loop() -> None:
    while True:
        time.sleep(0.001)


def swallow_once() -> None:
    try:
        loop()
    except JobInterrupted:
        loop()


def spin_for(seconds: float) -> Body:
    def spin() -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    return spin


def wait(gate: threading.Event) -> None:
    """Spends its time in a frame of `threading`."""
    gate.wait()


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)
