"""Requests for spare drivers: each once, by the hosts' own states."""

from typing import Any

from mist_domain.facts.hosts import Prepared, Tick, Worker
from mist_domain.facts.job_events import JobAttemptLost
from mist_domain.facts.registry import Context, ContextRemoved, context_hash
from mist_domain.facts.requests import PrepareWorkerRequest
from mist_domain.scheduling.spares import preparations
from support.facts import Bench, assigned, host_state, initialized, queued

READY = Context(name="ready", precreated=True)
SPARED = Context(name="spared", spares=2)


def hosts(bench: Bench, *names: str, **changes: Any) -> None:
    for name in names:
        bench.cluster.fold_host(host_state(name, **changes), bench.cluster.now, live=True)


def asked(bench: Bench, seconds: int = 6) -> list[PrepareWorkerRequest]:
    """Requests after so many ticks."""
    found: list[PrepareWorkerRequest] = []
    for _ in range(seconds):
        bench.cluster.fold_host(Tick(scheduler_id="s"), bench.cluster.now + 1_000, live=True)
        requests = preparations(bench.cluster)
        bench.cluster.apply_preparations(requests)
        found += requests
        bench.plan()
    return found


def kept(context: Context, count: int, mode: Any = "exclusive") -> Prepared:
    return Prepared(context=context.name, mode=mode, count=count, settings=context_hash(context))


def test_one_host_is_asked_and_asked_again_only_after_a_while() -> None:
    bench = Bench(READY)
    hosts(bench, "a", "b")
    assert asked(bench, 4) == [PrepareWorkerRequest(host_id="a", context=READY, mode="shared", count=1)]
    assert len(asked(bench, 4)) == 1


def test_a_host_that_says_it_keeps_them_is_left_alone_also_by_another_scheduler() -> None:
    bench = Bench(SPARED)
    hosts(bench, "a")
    hosts(bench, "b", prepared=(kept(SPARED, 2),))
    assert asked(bench) == []


def test_a_changed_count_or_context_is_said_anew() -> None:
    bench = Bench(Context(name="spared", spares=3))
    hosts(bench, "a", prepared=(kept(SPARED, 2),))
    assert [one.count for one in asked(bench, 1)] == [3]
    bench = Bench(Context(name="spared", spares=2, spark_conf={"a": "b"}))
    hosts(bench, "a", prepared=(kept(SPARED, 2),))
    assert [one.context.spark_conf for one in asked(bench, 1)] == [{"a": "b"}]


def test_what_nobody_wants_any_more_is_ended() -> None:
    bench = Bench(SPARED)
    hosts(bench, "a", prepared=(kept(SPARED, 2),))
    bench.cluster.fold_registry(ContextRemoved(name="spared"), 9, 9)
    assert [(one.host_id, one.context.name, one.count) for one in asked(bench, 1)] == [("a", "spared", 0)]


def test_two_hosts_that_keep_the_same_are_made_one() -> None:
    bench = Bench(SPARED)
    hosts(bench, "a", "b", prepared=(kept(SPARED, 2),))
    assert [(one.host_id, one.count) for one in asked(bench, 1)] == [("b", 0)]


def test_when_the_keeper_is_lost_another_is_asked() -> None:
    bench = Bench(SPARED)
    hosts(bench, "a", prepared=(kept(SPARED, 2),))
    hosts(bench, "b")
    for _ in range(26):
        bench.cluster.fold_host(Tick(scheduler_id="s"), bench.cluster.now + 1_000, live=True)
        bench.cluster.fold_host(host_state("b"), bench.cluster.now, live=True)
    assert {one.host_id for one in asked(bench, 1)} == {"b"}


def test_the_home_of_a_context_keeps_its_driver_and_the_keeper_is_the_home() -> None:
    bench = Bench(READY)
    hosts(bench, "b", "a")
    bench.append(initialized(context=READY), queued(), assigned(host="b"))
    assert [one.host_id for one in asked(bench, 1)] == ["b"]
    bench = Bench(READY)
    hosts(bench, "a")
    hosts(bench, "b", prepared=(kept(READY, 1, "shared"),))
    home = bench.cluster.home("ready", None)
    assert home is not None
    assert home.host_id == "b"


def test_an_exclusive_job_goes_where_a_spare_waits() -> None:
    bench = Bench(SPARED)
    spare = Worker(worker_id="spared-spare-1", context="spared", mode="exclusive", state="spare", pid=1)
    hosts(bench, "a")
    hosts(bench, "b", workers=(spare,))
    bench.append(initialized(context=SPARED, mode="exclusive"), queued())
    (decision,) = bench.plan()
    assert getattr(decision.events[0], "host_id", None) == "b"


def test_nothing_is_kept_for_a_broken_context() -> None:
    bench = Bench(READY)
    hosts(bench, "a", prepared=(kept(READY, 1, "shared"),))
    for number in range(5):
        job_id = f"j{number}"
        lost = JobAttemptLost(job_id=job_id, writer="a", attempt=1, reason="no", failed_driver=f"a/{number}")
        bench.append(initialized(job_id, context=READY), queued(job_id=job_id), assigned(job_id=job_id, host="a"), lost)
    assert [one.count for one in asked(bench, 1)] == [0]
