"""The plan, as given / when / then on one cluster: queues, capacity, homes, time-outs, losses."""

from dataclasses import replace
from typing import Any

from mist_domain.facts.hosts import HeldAttempt, Tick
from mist_domain.facts.job_events import JobAssigned, JobAttemptLost, JobCancelRequested, JobEvent, JobFailed, JobQueued
from mist_domain.facts.registry import Context
from mist_domain.job import Status
from mist_domain.registry import unknown_endpoint
from mist_domain.scheduling.cluster import Cluster
from mist_domain.scheduling.jobs import Decision
from support.facts import HOST, Bench, assigned, finished, host_state, initialized, lost_by_host, queued, started


def enqueue(bench: Bench, job_id: str, context: str = "default", **changes: Any) -> None:
    settings = changes.pop("settings", Context(name=context))
    facts = {"context": replace(settings, name=context), "requested_at": bench.offset} | changes
    bench.append(initialized(job_id, **facts), queued(job_id=job_id))


def events(bench: Bench) -> list[JobEvent]:
    """The plan's events, which then stand in the log."""
    planned = [event for decision in bench.plan() for event in decision.events]
    bench.append(*planned)
    return planned


def assigned_jobs(bench: Bench) -> list[str]:
    return [event.job_id for event in events(bench) if isinstance(event, JobAssigned)]


def test_a_context_is_served_first_come_first_served() -> None:
    bench = Bench(Context(name="default", max_jobs=2))
    for job_id in ("c", "a", "b"):
        enqueue(bench, job_id)
    assert assigned_jobs(bench) == ["c", "a"]


def test_a_greater_priority_comes_first() -> None:
    bench = Bench(Context(name="default", max_jobs=1))
    enqueue(bench, "first")
    enqueue(bench, "urgent", priority=5)
    assert assigned_jobs(bench) == ["urgent"]


def test_nobody_overtakes_a_job_whose_queued_is_still_on_its_way() -> None:
    bench = Bench(Context(name="default", max_jobs=1))
    enqueue(bench, "running")
    assert assigned_jobs(bench) == ["running"]
    bench.append(started(job_id="running"))
    facts: list[JobEvent] = [initialized("first", requested_at=1), queued(job_id="first")]
    bench.cluster.apply(Decision("first", tuple(facts)))
    enqueue(bench, "second", requested_at=2)
    bench.append(finished(job_id="running"))
    assert assigned_jobs(bench) == []
    bench.append(*facts)
    assert assigned_jobs(bench) == ["first"]


def test_contexts_take_turns() -> None:
    bench = Bench(hosts=(HOST,))
    for job_id in ("a1", "a2", "a3"):
        enqueue(bench, job_id, "a")
    enqueue(bench, "b1", "b")
    assert assigned_jobs(bench) == ["a1", "b1", "a2", "a3"]


def test_max_jobs_holds_the_rest_back_until_one_ends() -> None:
    bench = Bench(Context(name="default", max_jobs=1))
    enqueue(bench, "a")
    enqueue(bench, "b")
    assert assigned_jobs(bench) == ["a"]
    assert assigned_jobs(bench) == []
    bench.append(started(job_id="a"), finished(job_id="a"))
    assert assigned_jobs(bench) == ["b"]


def test_what_is_in_flight_counts_against_the_slots() -> None:
    bench = Bench(hosts=())
    bench.hear(host_state(slots=1))
    enqueue(bench, "a")
    enqueue(bench, "b", "other")
    assert len(bench.plan()) == 1
    assert bench.plan() == []


def test_a_job_whose_scheduler_got_no_further_than_initialized_goes_on() -> None:
    """`kill -9` between two appends of one decision; its request counts as dealt with."""
    bench = Bench()
    bench.append(initialized("a"), initialized("b", endpoint=unknown_endpoint("e")))
    first = {event.job_id: event for event in events(bench)}
    assert isinstance(first["a"], JobQueued)
    assert isinstance(first["b"], JobFailed)
    assert assigned_jobs(bench) == ["a"]


def test_a_raised_max_jobs_serves_jobs_that_wait_already() -> None:
    bench = Bench(Context(name="default", max_jobs=1))
    enqueue(bench, "a")
    enqueue(bench, "b")
    assert assigned_jobs(bench) == ["a"]
    raised = Bench(Context(name="default", max_jobs=2)).cluster.registry.contexts["default"]
    bench.cluster.registry.contexts["default"] = raised
    assert assigned_jobs(bench) == ["b"]


def hosts_of(bench: Bench) -> dict[str, str]:
    return {event.job_id: event.host_id for event in events(bench) if isinstance(event, JobAssigned)}


def test_a_shared_context_stays_on_the_host_of_its_driver() -> None:
    bench = Bench(hosts=("h1", "h2"))
    enqueue(bench, "a")
    home = hosts_of(bench)["a"]
    enqueue(bench, "b")
    enqueue(bench, "c", "other")
    placed = hosts_of(bench)
    assert placed["b"] == home
    assert placed["c"] != home


def test_exclusive_jobs_go_to_the_least_loaded_host() -> None:
    bench = Bench(hosts=("h1", "h2"))
    enqueue(bench, "a", mode="exclusive")
    enqueue(bench, "b", mode="exclusive")
    assert set(hosts_of(bench).values()) == {"h1", "h2"}


def test_exclusive_jobs_wait_for_a_worker_place() -> None:
    bench = Bench(hosts=())
    bench.hear(host_state(max_workers=1))
    enqueue(bench, "a", mode="exclusive")
    enqueue(bench, "b", mode="exclusive")
    assert assigned_jobs(bench) == ["a"]


def test_a_host_heard_only_in_the_replay_gets_nothing() -> None:
    bench = Bench(hosts=())
    bench.hear(host_state(), live=False)
    enqueue(bench, "a")
    assert assigned_jobs(bench) == []
    bench.hear(host_state())
    assert assigned_jobs(bench) == ["a"]


def test_a_draining_host_gets_nothing() -> None:
    bench = Bench(hosts=())
    bench.hear(host_state(draining=True))
    enqueue(bench, "a")
    assert assigned_jobs(bench) == []


def test_a_host_that_refused_gets_nothing_of_the_context_until_it_spoke_again() -> None:
    bench = Bench()
    enqueue(bench, "a")
    assert assigned_jobs(bench) == ["a"]
    bench.append(lost_by_host(job_id="a"))
    enqueue(bench, "b")
    assert assigned_jobs(bench) == []
    bench.hear(host_state())
    assert assigned_jobs(bench) == ["b"]


def test_retries_back_off() -> None:
    bench = Bench()
    enqueue(bench, "a")
    for attempt, wait in ((1, 1), (2, 2), (3, 4)):
        assert assigned_jobs(bench) == ["a"]
        bench.append(lost_by_host(attempt, job_id="a"))
        bench.hear(host_state())
        bench.tick(wait - 1)
        assert assigned_jobs(bench) == []
        bench.hear(host_state())
        bench.tick()
    assert assigned_jobs(bench) == ["a"]


def test_a_start_timeout_fails_what_still_waits() -> None:
    bench = Bench(hosts=())
    enqueue(bench, "a", start_timeout=2_000)
    bench.tick()
    assert events(bench) == []
    bench.tick(2)
    [failed] = events(bench)
    assert isinstance(failed, JobFailed)
    assert failed.error.startswith("start timeout")


def test_a_perform_timeout_cancels_what_runs_too_long() -> None:
    bench = Bench()
    enqueue(bench, "a", perform_timeout=2_000)
    events(bench)
    bench.append(started(job_id="a"))
    bench.tick()
    bench.hear(host_state())
    assert events(bench) == []
    bench.tick(2)
    [asked] = events(bench)
    assert isinstance(asked, JobCancelRequested)
    assert asked.requested_by == "perform timeout"


def test_a_job_that_is_lost_and_overdue_at_once_gets_one_decision() -> None:
    bench = Bench()
    enqueue(bench, "a", perform_timeout=25_000)
    assert assigned_jobs(bench) == ["a"]
    bench.append(started(job_id="a"))
    bench.tick(26)
    assert [type(event) for event in events(bench)] == [JobAttemptLost]
    assert not bench.cluster.jobs.is_deciding("a")
    assert bench.cluster.jobs.ended["a"].status is Status.FAILED


def test_a_deadline_waits_for_the_decision_in_flight() -> None:
    bench = Bench()
    enqueue(bench, "a", start_timeout=1_000)
    decisions = bench.plan()
    bench.tick(3)
    assert bench.plan() == []
    bench.append(*decisions[0].events)
    bench.tick()
    assert bench.plan() == []


def running(bench: Bench, job_id: str = "a") -> Cluster:
    enqueue(bench, job_id)
    bench.append(assigned(job_id=job_id), started(job_id=job_id))
    return bench.cluster


def lost(bench: Bench) -> list[JobAttemptLost]:
    return [event for event in events(bench) if isinstance(event, JobAttemptLost)]


def test_a_host_silent_for_25_ticks_has_lost_its_attempts() -> None:
    bench = Bench()
    running(bench)
    bench.tick(24)
    assert lost(bench) == []
    bench.tick()
    [event] = lost(bench)
    assert "no sign of life" in event.reason
    assert event.version == 4


def test_two_schedulers_that_both_tick_do_not_make_a_host_seem_silent_twice_as_long() -> None:
    bench = Bench()
    enqueue(bench, "a")
    assert assigned_jobs(bench) == ["a"]
    bench.append(started(job_id="a"))
    for _ in range(24):
        bench.tick()
        bench.cluster.fold_host(Tick(scheduler_id="scheduler-2"), bench.time + 500, live=True)
    assert events(bench) == []
    bench.tick()
    assert [type(event) for event in events(bench)] == [JobAttemptLost]


def test_an_attempt_that_did_not_start_is_given_up_after_8_silent_ticks() -> None:
    bench = Bench()
    enqueue(bench, "a")
    bench.append(assigned(job_id="a"))
    bench.tick(7)
    assert lost(bench) == []
    bench.tick()
    assert [event.job_id for event in lost(bench)] == ["a"]


def test_a_host_that_speaks_is_not_lost() -> None:
    bench = Bench()
    running(bench)
    for _ in range(40):
        bench.tick()
        bench.hear(host_state(attempts=(HeldAttempt(job_id="a", attempt=1),)))
    assert lost(bench) == []


def test_a_host_nobody_ever_heard_of_is_lost_all_the_same() -> None:
    bench = Bench(hosts=())
    enqueue(bench, "a")
    bench.append(assigned(job_id="a", host="ghost"), started(job_id="a", host="ghost"))
    bench.tick(25)
    assert [event.job_id for event in lost(bench)] == ["a"]


def test_a_replaced_or_stopped_host_is_lost_at_once() -> None:
    for state in (host_state("h2", replaces=HOST), host_state(stopped=True)):
        bench = Bench()
        running(bench)
        bench.hear(state)
        assert [event.job_id for event in lost(bench)] == ["a"]


def test_an_attempt_the_host_should_list_but_does_not_is_lost() -> None:
    bench = Bench()
    running(bench)
    silent_about_it = host_state(offsets=(bench.offset,))
    bench.hear(silent_about_it)
    bench.tick()
    assert lost(bench) == []
    bench.hear(silent_about_it)
    bench.tick()
    assert "does not hold" in lost(bench)[0].reason


def test_an_attempt_the_host_cannot_have_read_of_yet_is_not_lost() -> None:
    bench = Bench()
    running(bench)
    for _ in range(3):
        bench.hear(host_state(offsets=(0,)))
        bench.tick()
    assert lost(bench) == []


def test_nothing_is_kept_of_ended_jobs_but_their_end() -> None:
    bench = Bench()
    enqueue(bench, "a")
    bench.append(assigned(job_id="a"), started(job_id="a"), finished(job_id="a"))
    assert bench.cluster.jobs.open == {}
    assert bench.cluster.jobs.ended["a"].status.word == "finished"
    bench.append(initialized("a"), queued(job_id="a"))
    assert bench.cluster.jobs.open == {}
