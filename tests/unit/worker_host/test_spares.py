"""Drivers that a host keeps ready: how many, for whom, and when not, as given / when / then."""

from typing import Any

from mist_domain.facts.hosts import Prepared
from mist_domain.facts.registry import Mode, context_hash
from mist_domain.facts.requests import PrepareWorkerRequest, StopWorkerRequest
from mist_worker_host.core.instructions import Launch, RunAttempt, StopIdle
from mist_worker_host.core.stimuli import DrainAsked, DriverExited
from support.host_bench import HOST, HostBench, context, finished


def prepare(bench: HostBench, count: int, mode: Mode = "exclusive", host: str = HOST, **changes: Any) -> None:
    bench.handle(PrepareWorkerRequest(host_id=host, context=context(**changes), mode=mode, count=count))


def exited(worker: int) -> DriverExited:
    return DriverExited(worker=worker, reason="exit code 1")


def test_spares_are_started_and_told() -> None:
    bench = HostBench()
    prepare(bench, 2)
    assert bench.launched == [1, 2]
    bench.ready(1)
    assert bench.worker_states() == {"default-spare-1": "spare", "default-spare-2": "spare"} | {
        "default-spare-2": "starting"
    }
    prepared = Prepared(context="default", mode="exclusive", count=2, settings=context_hash(context()))
    assert bench.core.state().prepared == (prepared,)


def test_the_same_request_again_and_one_for_another_host_change_nothing() -> None:
    bench = HostBench()
    prepare(bench, 1)
    prepare(bench, 1)
    assert bench.launched == []
    prepare(bench, 3, host="another")
    assert bench.launched == []


def test_an_exclusive_job_takes_a_spare_at_once_and_another_is_started_for_it() -> None:
    bench = HostBench()
    prepare(bench, 1)
    bench.ready(1)
    bench.assign("a", mode="exclusive")
    assert bench.launched == [2]
    bench.read_back()
    assert [run.worker for run in bench.got(RunAttempt)] == [1]
    assert bench.worker_states() == {"default-a": "busy", "default-spare-2": "starting"}


def test_a_spare_is_used_for_one_job_only() -> None:
    bench = HostBench()
    prepare(bench, 1)
    bench.ready(1)
    bench.assign("a", mode="exclusive")
    bench.read_back()
    bench.handle(finished(1))
    assert bench.got(StopIdle) == [StopIdle(worker=1)]
    bench.ready(2)
    bench.assign("b", mode="exclusive")
    assert bench.worker_of("b") == 2


def test_a_shared_job_and_a_job_of_other_settings_leave_spares_alone() -> None:
    bench = HostBench()
    prepare(bench, 1)
    bench.ready(1)
    bench.assign("a")
    bench.assign("b", mode="exclusive", context=context(spark_conf={"x": "y"}))
    assert bench.worker_of("a") != 1
    assert bench.worker_of("b") != 1
    assert bench.worker_states()["default-spare-1"] == "spare"


def test_a_spare_makes_room_for_a_job_and_comes_back_when_there_is_a_place() -> None:
    bench = HostBench(max_workers=1)
    prepare(bench, 1)
    bench.ready(1)
    bench.assign("a", mode="exclusive", context=context("other"))
    assert bench.got(StopIdle) == [StopIdle(worker=1)]
    bench.handle(exited(1))
    assert [launch.settings.context for launch in bench.got(Launch)] == ["other"]
    bench.ready(2)
    bench.read_back()
    bench.handle(finished(2))
    bench.handle(exited(2))
    assert [launch.settings.context for launch in bench.got(Launch)] == ["default"]


def test_fewer_or_other_spares_are_wanted() -> None:
    bench = HostBench()
    prepare(bench, 2)
    bench.ready(1)
    bench.ready(2)
    prepare(bench, 1)
    assert len(bench.got(StopIdle)) == 1
    prepare(bench, 1, spark_conf={"x": "y"})
    assert len(bench.got(StopIdle)) == 1
    prepare(bench, 0)
    assert bench.core.state().prepared == ()


def test_a_contexts_own_driver_is_kept_beyond_its_downtime_and_serves_its_jobs() -> None:
    bench = HostBench()
    prepare(bench, 1, "shared", downtime=1_000)
    assert bench.launched == [1]
    bench.ready(1)
    bench.pass_time(5)
    assert bench.done == []
    bench.assign("a", context=context(downtime=1_000))
    assert bench.worker_of("a") == 1
    bench.read_back()
    bench.handle(finished(1))
    bench.pass_time(50)
    assert bench.done == []
    prepare(bench, 0, "shared")
    bench.pass_time(51)
    assert bench.done == [StopIdle(worker=1)]


def test_a_driver_that_was_stopped_or_died_is_replaced() -> None:
    bench = HostBench()
    prepare(bench, 1, "shared")
    bench.ready(1)
    bench.handle(StopWorkerRequest(host_id=HOST, worker_id="default"))
    assert bench.launched == [2]
    bench.ready(2)
    bench.handle(exited(2))
    assert bench.launched == [3]


def test_a_changed_context_drains_the_driver_and_starts_another() -> None:
    bench = HostBench()
    prepare(bench, 1, "shared")
    bench.ready(1)
    bench.assign("a")
    bench.read_back()
    prepare(bench, 1, "shared", spark_conf={"x": "y"})
    assert bench.launched == [2]
    assert bench.core.fleet.workers[1].draining
    bench.handle(finished(1))
    assert bench.got(StopIdle) == [StopIdle(worker=1)]


def test_drivers_that_die_at_start_are_started_less_and_less_often() -> None:
    bench = HostBench()
    prepare(bench, 1)
    starts = [0.0]
    for second in range(40):
        for worker in list(bench.core.fleet.workers):
            bench.handle(exited(worker))
        bench.pass_time(second)
        starts += [float(second)] * len(bench.launched)
    assert starts == [0.0, 2.0, 6.0, 14.0, 30.0]


def test_a_host_that_is_to_stop_keeps_nothing() -> None:
    bench = HostBench()
    prepare(bench, 1)
    bench.ready(1)
    bench.handle(DrainAsked(now=1.0))
    assert bench.got(StopIdle) == [StopIdle(worker=1)]
    bench.handle(exited(1))
    assert bench.launched == []
    assert bench.core.drained
