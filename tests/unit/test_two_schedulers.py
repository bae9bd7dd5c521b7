"""Two schedulers that both decide, two hosts, one log: thousands of random histories over the real domain code.

Each law is also shown to need its rule: with the rule taken out, the same histories break it.
"""

from collections.abc import Iterator

import pytest

from mist_domain import job as job_module
from mist_domain.events import JobCancelRequested, JobEvent
from mist_domain.job import Job, Status
from world import World

HISTORIES = 2_000
MOVES = 150


def worlds(count: int, *, read_back: bool = True) -> Iterator[World]:
    for seed in range(count):
        yield World(seed, read_back).play(MOVES).calm()


def test_no_job_starts_twice_no_cancel_is_lost_and_none_is_stuck() -> None:
    ends: set[Status] = set()
    for world in worlds(HISTORIES):
        assert world.started_too_often() == [], f"seed {world.seed}"
        assert world.lost_cancels() == [], f"seed {world.seed}"
        assert world.stuck() == [], f"seed {world.seed}"
        assert world.decided_on_another_state() == [], f"seed {world.seed}"
        ends |= {job.status for job in world.truth().values()}
    assert ends == {Status.FINISHED, Status.FAILED, Status.CANCELED}


def test_without_the_version_a_decision_on_an_old_state_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    current = job_module._is_current

    def unversioned(job: Job, event: JobEvent) -> bool:
        return True if getattr(event, "version", None) is not None else current(job, event)

    monkeypatch.setattr(job_module, "_is_current", unversioned)
    assert any(world.decided_on_another_state() for world in worlds(300))


def test_without_reading_its_start_back_a_host_runs_what_is_not_its_own() -> None:
    assert any(world.started_too_often() for world in worlds(300, read_back=False))


def test_a_cancel_that_carried_a_version_could_be_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    current = job_module._is_current

    def only_before_the_start(job: Job, event: JobEvent) -> bool:
        if isinstance(event, JobCancelRequested):
            return job.status < Status.STARTED
        return current(job, event)

    monkeypatch.setattr(job_module, "_is_current", only_before_the_start)
    assert any(world.lost_cancels() for world in worlds(300))
