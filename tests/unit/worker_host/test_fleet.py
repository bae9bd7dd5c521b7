"""The driver for each job; starting, keeping, draining and stopping drivers, as given / when / then."""

from mist_domain.facts.job_events import JobAttemptLost, JobCanceled, JobFailed, JobFinished, JobStarted
from mist_domain.facts.requests import StopWorkerRequest
from mist_domain.job import Status
from mist_worker_host.core.attempts import TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.instructions import Append, Kill, Launch, Publish, RunAttempt, StopIdle
from mist_worker_host.core.stimuli import CaughtUp, DrainAsked, DriverExited, DriverSpawned, TimePassed
from support.facts import initialized, queued
from support.host_bench import HOST, HostBench, context, finished, identity


def exited(worker: int) -> DriverExited:
    return DriverExited(worker=worker, reason="exit code 0")


def stop(worker_id: str, host: str = HOST) -> StopWorkerRequest:
    return StopWorkerRequest(host_id=host, worker_id=worker_id)


def test_shared_jobs_of_a_context_run_in_one_driver() -> None:
    bench = HostBench()
    bench.assign("a")
    bench.assign("b")
    assert bench.launched == []
    bench.ready()
    bench.read_back()
    assert {run.worker for run in bench.got(RunAttempt)} == {1}
    bench.assign("c")
    assert [type(event) for event in bench.appended] == [JobStarted]


def test_other_contexts_and_exclusive_jobs_have_drivers_of_their_own() -> None:
    bench = HostBench()
    bench.assign("a")
    bench.assign("b", context=context("other"))
    bench.assign("c", mode="exclusive")
    assert bench.worker_states() == {"default": "starting", "other": "starting", "default-c": "starting"}


def test_above_its_slots_it_refuses() -> None:
    bench = HostBench(slots=2)
    for job_id in "abc":
        bench.assign(job_id)
    assert bench.appended == [JobAttemptLost(job_id="c", writer=HOST, attempt=1, reason="host is full")]
    bench.read_back()
    assert bench.held() == [("a", 1), ("b", 1)]
    assert bench.status("c") is Status.QUEUED


def test_a_job_whose_end_is_told_takes_no_slot() -> None:
    bench = HostBench(slots=1)
    worker = bench.run("a")
    bench.handle(finished(worker, "a"))
    end = bench.appended.pop()
    bench.assign("b")
    assert [type(event) for event in bench.appended] == [JobStarted]
    bench.read(end)
    assert bench.held() == [("b", 1)]


def test_without_a_place_an_attempt_waits_until_a_driver_has_ended() -> None:
    bench = HostBench(max_workers=1)
    worker = bench.run("a", mode="exclusive")
    bench.assign("b", mode="exclusive")
    assert bench.launched == []
    assert bench.held() == [("a", 1), ("b", 1)]
    bench.handle(finished(worker, "a"))
    assert bench.launched == []
    bench.handle(exited(worker))
    assert bench.launched == [2]


def test_what_waits_for_a_place_can_be_canceled() -> None:
    bench = HostBench(max_workers=1)
    bench.run("a", mode="exclusive")
    bench.assign("b", mode="exclusive")
    bench.cancel("b")
    assert bench.appended == [JobCanceled(job_id="b", writer=HOST, attempt=1)]
    bench.handle(exited(1))
    assert bench.launched == []


def test_an_idle_driver_makes_room_the_one_idle_for_longest_first() -> None:
    bench = HostBench(max_workers=2)
    for now, job_id in ((1, "a"), (2, "b")):
        bench.pass_time(now)
        bench.handle(finished(bench.run(job_id, context=context(job_id)), job_id))
    bench.assign("c", context=context("c"))
    assert bench.done == [StopIdle(worker=1)]
    bench.handle(exited(1))
    assert bench.launched == [3]
    assert bench.worker_states() == {"b": "idle", "c": "starting"}


def test_no_more_idle_drivers_are_stopped_than_are_needed() -> None:
    bench = HostBench(max_workers=3)
    for job_id in "abc":
        bench.handle(finished(bench.run(job_id, context=context(job_id)), job_id))
    bench.read_back()
    bench.assign("d", context=context("d"))
    bench.assign("e", context=context("d"))
    bench.pass_time(1)
    assert sum(worker.stopping for worker in bench.core.fleet.workers.values()) == 1


def test_an_idle_driver_is_stopped_after_its_context_s_downtime() -> None:
    bench = HostBench()
    worker = bench.run("a", context=context(downtime=5_000))
    bench.pass_time(10)
    bench.handle(finished(worker))
    bench.pass_time(14)
    assert bench.done == []
    bench.pass_time(15)
    assert bench.done == [StopIdle(worker=worker)]
    assert bench.worker_states() == {"default": "draining"}


def test_a_driver_of_a_context_without_downtime_stays() -> None:
    bench = HostBench()
    bench.handle(finished(bench.run("a", context=context(downtime=None))))
    bench.pass_time(10_000_000)
    assert bench.done == []


def test_work_ends_idleness() -> None:
    bench = HostBench()
    settings = context(downtime=5_000)
    worker = bench.run("a", context=settings)
    bench.handle(finished(worker))
    bench.run("b", context=settings)
    bench.pass_time(100)
    assert bench.done == []


def test_a_driver_that_is_ready_when_nobody_waits_is_idle() -> None:
    bench = HostBench()
    bench.assign("a", context=context(downtime=5_000))
    bench.cancel("a")
    bench.ready()
    assert bench.worker_states() == {"default": "idle"}
    bench.pass_time(6)
    assert bench.done == [StopIdle(worker=1)]


def test_an_exclusive_driver_whose_job_was_canceled_while_it_started_is_killed() -> None:
    bench = HostBench()
    bench.assign("a", mode="exclusive")
    bench.cancel("a")
    assert bench.got(Kill) == [Kill(worker=1)]


def test_other_settings_of_the_context_get_another_driver_and_the_old_one_drains() -> None:
    bench = HostBench()
    old = bench.run("a")
    bench.assign("b", context=context(spark_conf={"spark.x": "1"}))
    assert bench.launched == [2]
    assert bench.core.fleet.workers[old].draining
    bench.handle(finished(old, "a"))
    assert bench.got(StopIdle) == [StopIdle(worker=old)]


def test_an_idle_driver_with_other_settings_is_stopped_at_once() -> None:
    bench = HostBench()
    bench.handle(finished(bench.run("a")))
    bench.assign("b", context=context(max_jobs=3))
    assert [type(one) for one in bench.done] == [StopIdle, Launch]


def test_another_downtime_alone_keeps_the_driver() -> None:
    bench = HostBench()
    bench.handle(finished(bench.run("a")))
    bench.assign("b", context=context(downtime=1_000))
    assert bench.launched == []
    assert bench.core.fleet.workers[1].downtime == 1.0


# -- stopped by request ------------------------------------------------------------------------------------------------


def test_a_stopped_worker_fails_what_runs_and_gives_back_what_does_not() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.assign("b")
    bench.handle(stop("default"))
    assert bench.got(Kill) == [Kill(worker=worker)]
    assert bench.appended[1:] == [
        JobFailed(job_id="a", writer=HOST, attempt=1, error="worker was stopped"),
        JobAttemptLost(job_id="b", writer=HOST, attempt=1, reason="worker was stopped"),
    ]
    assert bench.handle(finished(worker, "a")) == []
    bench.read_back()
    assert bench.held() == []


def test_a_job_being_canceled_in_a_stopped_worker_is_canceled() -> None:
    bench = HostBench()
    bench.run("a")
    bench.cancel("a")
    bench.handle(stop("default"))
    assert bench.appended == [JobCanceled(job_id="a", writer=HOST, attempt=1)]


def test_a_stop_that_names_another_host_or_no_worker_changes_nothing() -> None:
    bench = HostBench()
    bench.run("a")
    assert bench.handle(stop("default", host="host-2"), stop("unknown")) == []


def test_after_a_stop_the_context_gets_a_new_driver() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.handle(stop("default"))
    bench.read_back()
    bench.handle(exited(worker))
    bench.assign("b")
    assert bench.launched == [2]


# -- the host stops ----------------------------------------------------------------------------------------------------


def test_a_draining_host_gives_back_what_has_not_started_and_refuses_more() -> None:
    bench = HostBench()
    bench.assign("a")
    bench.handle(DrainAsked(now=1))
    bench.assign("b")
    assert [(event.job_id, type(event)) for event in bench.appended] == [("a", JobAttemptLost), ("b", JobAttemptLost)]
    assert bench.core.state().draining
    assert bench.core.fleet.workers[1].stopping


def test_a_draining_host_lets_what_runs_end_within_its_grace() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.handle(DrainAsked(now=1))
    bench.pass_time(5)
    assert bench.done == []
    bench.handle(finished(worker))
    assert bench.got(StopIdle) == [StopIdle(worker=worker)]
    bench.read_back()
    assert not bench.core.drained
    bench.handle(exited(worker))
    assert bench.core.drained


def test_after_the_grace_what_runs_is_lost() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.handle(DrainAsked(now=1))
    bench.pass_time(11.5)
    assert bench.got(Kill) == [Kill(worker=worker)]
    assert isinstance(bench.appended[0], JobAttemptLost)
    bench.read_back()
    bench.handle(exited(worker))
    assert bench.core.drained


def test_a_start_that_was_on_its_way_when_the_host_began_to_stop_still_runs() -> None:
    bench = HostBench()
    bench.assign("a")
    bench.ready()
    bench.handle(DrainAsked(now=1))
    bench.read_back()
    assert len(bench.got(RunAttempt)) == 1
    bench.handle(finished(1))
    assert isinstance(bench.appended[0], JobFinished)


# -- what it says of itself --------------------------------------------------------------------------------------------


def test_it_says_nothing_of_itself_until_it_has_caught_up() -> None:
    core = HostCore(identity(), TimeLimits())
    assert core.handle(TimePassed(now=1)) == []
    assert core.handle(CaughtUp()) == [Publish()]


def test_its_state_lists_offsets_attempts_and_workers() -> None:
    bench = HostBench(partitions=2, replaces="host-0")
    bench.assign("a")
    bench.handle(DriverSpawned(worker=1, pid=77))
    bench.ready()
    state = bench.core.state()
    assert state.offsets == (2, -1)
    assert [(one.job_id, one.attempt) for one in state.attempts] == [("a", 1)]
    assert [(one.pid, one.spark_ui, one.state) for one in state.workers] == [(77, "http://ui", "busy")]
    assert (state.replaces, state.stopped, state.draining) == ("host-0", False, False)


def test_it_publishes_each_second_and_when_its_workers_change_once_per_turn() -> None:
    bench = HostBench()
    assert bench.pass_time(1) == [Publish()]
    assert bench.read(initialized("a"), queued(job_id="a")) == []
    bench.assign_again("a")
    assert [type(one) for one in bench.last] == [Launch, Publish]
    bench.ready()
    assert bench.got(Publish) == [Publish()]
    bench.read_back()
    assert bench.got(Publish) == []
    bench.handle(finished(1))
    assert [type(one) for one in bench.last] == [Append]


def test_a_change_of_the_workers_is_published_at_once_and_a_run_only_with_the_next_tick() -> None:
    """A job that starts or ends makes its worker busy or idle; publishing that each time would cost a record a job."""
    bench = HostBench()
    bench.assign("a")
    assert bench.got(Publish) == [Publish()]
    bench.ready()
    assert bench.got(Publish) == [Publish()]
    bench.read_back()
    assert bench.got(Publish) == []
    bench.handle(finished(1))
    assert bench.got(Publish) == []
    bench.pass_time(1.0)
    assert bench.got(Publish) == [Publish()]


def test_nothing_is_published_before_the_log_was_read() -> None:
    """The host's offsets would say that it has read what it has not."""
    core = HostCore(identity(), TimeLimits())
    assert core.handle(TimePassed(now=1.0)) == []
    assert core.handle(CaughtUp()) == [Publish()]
