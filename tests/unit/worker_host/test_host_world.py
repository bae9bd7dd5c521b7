"""Laws of a worker host over random lives: scheduler, drivers and log behave as badly as they may."""

import pytest

from mist_domain.job import Job, Status
from mist_worker_host.core.attempts import Attempts
from mist_worker_host.core.instructions import HostEvent
from mist_worker_host.core.worker import Attempt, FleetWorker, Phase
from support.host_world import HostWorld

LIVES = 600
MOVES = 150


def test_it_holds_what_its_fold_says_runs_it_once_and_ends_it() -> None:
    ran = 0
    for seed in range(LIVES):
        world = HostWorld(seed).play(MOVES).calm()
        assert world.wrong == [], f"seed {seed}"
        assert world.appended_twice() == [], f"seed {seed}"
        assert world.remaining() == [], f"seed {seed}"
        ran += len(world.ran)
    assert ran > LIVES


def test_a_host_that_is_told_to_stop_ends_everything() -> None:
    for seed in range(300):
        world = HostWorld(seed).play(MOVES).drain()
        assert world.wrong == [], f"seed {seed}"
        assert world.core.drained, f"seed {seed}"


def test_without_the_read_back_it_would_run_what_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    start = Attempts.start

    def start_and_run(self: Attempts, attempt: Attempt, worker: FleetWorker) -> None:
        start(self, attempt, worker)
        self._run(attempt, worker)

    monkeypatch.setattr(Attempts, "start", start_and_run)
    assert any(HostWorld(seed).play(MOVES).wrong for seed in range(50))


def test_an_end_that_was_not_read_back_is_still_held(monkeypatch: pytest.MonkeyPatch) -> None:
    end = Attempts._end

    def end_and_forget(self: Attempts, attempt: Attempt, event: HostEvent) -> None:
        end(self, attempt, event)
        attempt.phase = Phase.ENDING
        self._let_go(attempt)

    monkeypatch.setattr(Attempts, "_end", end_and_forget)
    assert any(HostWorld(seed).play(MOVES).wrong for seed in range(50))


def test_every_kind_of_end_occurs() -> None:
    statuses: set[Status] = set()
    for seed in range(200):
        jobs: dict[str, Job] = HostWorld(seed).play(MOVES).calm().truth
        statuses |= {job.status for job in jobs.values() if job.starts}
    assert statuses >= {Status.FINISHED, Status.FAILED, Status.CANCELED}
