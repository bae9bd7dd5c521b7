"""The values a scheduler's cluster is made of, over random histories: each keeps its invariants, and plans only read."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mist_domain.scheduling.cluster import Cluster
from mist_domain.scheduling.jobs import Decision
from mist_domain.scheduling.plan import plan
from mist_domain.scheduling.spares import preparations
from mist_scheduler import step as step_module
from support.cluster_world import history

HISTORIES = 60

Check = Callable[[Cluster, set[str]], None]
"""Looks at a cluster in the middle of a step; the ids are those of the step's arrivals."""


def look_at_each_step(patch: pytest.MonkeyPatch, check: Check) -> None:
    """Run random histories; `check` sees every cluster before it plans."""

    def checked(cluster: Cluster, arrivals: Sequence[Decision] = (), *, ticked: bool) -> list[Decision]:
        check(cluster, {decision.job_id for decision in arrivals})
        return plan(cluster, arrivals, ticked=ticked)

    patch.setattr(step_module, "plan", checked)
    for seed in range(HISTORIES):
        history(seed).calm()


def state(cluster: Cluster) -> Any:
    return repr(vars(cluster))


def test_a_plan_only_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second plan of one state is equal to the first, and neither it nor any query changes the state."""
    plans: list[bool] = []

    def check(cluster: Cluster, arrivals: set[str]) -> None:
        before = state(cluster)
        for ticked in (False, True):
            decided = [Decision(job_id, ()) for job_id in arrivals]
            first = plan(cluster, decided, ticked=ticked)
            assert plan(cluster, decided, ticked=ticked) == first
            plans.append(first != [])
        assert preparations(cluster) == preparations(cluster)
        cluster.queues.find("nobody asked for this one")
        assert state(cluster) == before

    look_at_each_step(monkeypatch, check)
    assert sum(plans) > HISTORIES


def test_a_plan_decides_once_for_each_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """One decision in flight for each job: none for a job with another in flight, but this step's arrivals."""

    def check(cluster: Cluster, arrivals: set[str]) -> None:
        planned = [decision.job_id for decision in plan(cluster, [Decision(one, ()) for one in arrivals], ticked=True)]
        assert len(set(planned)) == len(planned)
        assert not [job_id for job_id in planned if cluster.jobs.is_deciding(job_id) and job_id not in arrivals]

    look_at_each_step(monkeypatch, check)


def test_no_job_is_both_open_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs: events in flight are counted above zero, and a job ahead of the log has some in flight."""

    def check(cluster: Cluster, _: set[str]) -> None:
        jobs = cluster.jobs
        assert not jobs.open.keys() & jobs.ended.keys()
        assert all(unread > 0 for unread in jobs.unread.values())
        assert jobs.ahead.keys() <= jobs.unread.keys()

    look_at_each_step(monkeypatch, check)


def test_the_ring_holds_exactly_the_contexts_with_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues: each begins with a job that keeps its turn, holds every job that waits, and none waits and runs."""

    def check(cluster: Cluster, _: set[str]) -> None:
        queues = cluster.queues
        assert queues.ring.keys() == {load.name for load in queues.contexts.values() if load.heap}
        for load in queues.contexts.values():
            assert not load.heap or cluster.jobs.in_line(load.heap[0][-1])
            assert not load.waiting & load.active
            assert {one for one in load.waiting if cluster.jobs.in_line(one)} <= set(load.in_order())
            assert [order[-1] for order in sorted(load.heap)] == list(load.in_order())

    look_at_each_step(monkeypatch, check)


def test_each_placed_job_is_with_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts: the views and the index agree, and each view counts its drivers by the jobs placed in them."""

    def check(cluster: Cluster, _: set[str]) -> None:
        hosts = cluster.hosts
        by_view = {job_id: view for view in hosts.views.values() for job_id in view.placed}
        assert by_view == hosts.placed
        assert sum(len(view.placed) for view in hosts.views.values()) == len(hosts.placed)
        assert all(view.workers == Counter(view.placed.values()) for view in hosts.views.values())
        assert set(hosts.placed) == {job_id for load in cluster.queues.contexts.values() for job_id in load.active}
        assert hosts.assigned_at.keys() <= cluster.jobs.open.keys()

    look_at_each_step(monkeypatch, check)


def test_only_open_jobs_are_past_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines: a job leaves `passed` when it settles, and what is still to come lies in the future."""

    def check(cluster: Cluster, _: set[str]) -> None:
        deadlines = cluster.deadlines
        assert deadlines.passed.keys() <= cluster.jobs.open.keys()

    look_at_each_step(monkeypatch, check)
