"""One attempt on a worker host, from its assignment to its end, as given / when / then."""

import pytest

from mist_domain.facts.job_events import JobAttemptLost, JobCanceled, JobFailed, JobFinished, JobStarted
from mist_domain.job import Status
from mist_worker_host.core.instructions import Append, Cancel, Kill, Launch, RunAttempt, StopIdle
from mist_worker_host.core.outcomes import MAX_ERROR_BYTES
from mist_worker_host.core.stimuli import DriverExited, DriverUnusable, RunFailed
from support.facts import assigned, cancel_requested, initialized, lost_by_scheduler, queued
from support.host_bench import HOST, HostBench, canceled, context, failed, finished


def test_an_assigned_job_launches_the_driver_of_its_context() -> None:
    bench = HostBench()
    bench.assign(context=context("c", spark_conf={"spark.x": "1"}, max_jobs=7, run_options="--jars j"))
    launch = bench.got(Launch)[0]
    assert (launch.settings.worker_id, launch.settings.threads) == ("c", 7)
    assert (launch.settings.spark_conf, launch.settings.run_options) == ({"spark.x": "1"}, "--jars j")
    assert bench.got(Append) == []
    assert bench.worker_states() == {"c": "starting"}


def test_a_job_of_another_host_is_folded_and_left_alone() -> None:
    bench = HostBench()
    assert bench.assign(host="host-2") == []
    assert bench.status() is Status.ASSIGNED
    assert bench.held() == []


def test_it_says_started_when_the_driver_is_ready_and_runs_nothing_yet() -> None:
    bench = HostBench()
    bench.assign()
    bench.ready()
    assert bench.appended == [JobStarted(job_id="a", writer=HOST, attempt=1, worker_id="default")]
    assert bench.got(RunAttempt) == []


def test_it_runs_user_code_once_it_has_read_its_own_start_back() -> None:
    bench = HostBench()
    bench.assign()
    bench.ready()
    bench.read_back()
    run = bench.got(RunAttempt)[0]
    assert (run.worker, run.job.job_id, run.attempt) == (1, "a", 1)
    assert bench.status() is Status.STARTED
    assert bench.read(JobStarted(job_id="a", writer=HOST, attempt=1, worker_id="default")) == []


def test_it_does_not_run_what_was_given_up_before_its_start() -> None:
    bench = HostBench()
    bench.assign()
    bench.ready()
    bench.read(lost_by_scheduler(3, job_id="a"))
    bench.read_back()
    assert bench.got(RunAttempt) == []
    assert bench.held() == []


def test_it_does_not_run_what_the_same_batch_ends() -> None:
    bench = HostBench()
    bench.assign()
    bench.ready()
    started = bench.appended.pop()
    bench.read(started, lost_by_scheduler(4, job_id="a"))
    assert bench.got(RunAttempt) == []
    assert bench.held() == []


def test_a_finished_run_is_told_and_held_until_that_was_read_back() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.handle(finished(worker, result='{"n":1}'))
    assert bench.appended == [JobFinished(job_id="a", writer=HOST, attempt=1, result='{"n":1}')]
    assert bench.held() == [("a", 1)]
    bench.read_back()
    assert bench.held() == []
    assert bench.status() is None


def test_a_failed_run_is_told_with_the_job_s_own_traceback() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.handle(failed(worker))
    assert bench.appended == [JobFailed(job_id="a", writer=HOST, attempt=1, error="ValueError: no", detail="Traceback")]


def test_a_long_error_is_cut_to_what_a_record_holds() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.handle(RunFailed(worker=worker, job_id="a", attempt=1, error="é" * 100_000))
    event = bench.appended[0]
    assert isinstance(event, JobFailed)
    assert len(event.error.encode()) <= MAX_ERROR_BYTES
    assert event.error.endswith("(cut here)")


def test_a_second_report_of_a_run_is_ignored() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.handle(finished(worker))
    assert bench.handle(failed(worker)) == []


def test_a_report_of_what_it_was_not_told_to_run_is_ignored() -> None:
    bench = HostBench()
    worker = bench.run()
    assert bench.handle(finished(worker, attempt=2), finished(worker, job_id="b"), finished(99)) == []


def test_a_repeated_initialization_does_not_revive_a_job_that_is_over() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.handle(finished(worker))
    bench.read_back()
    assert bench.assign() == []
    assert bench.read(initialized("a"), queued(job_id="a")) == []


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_a_cancel_before_the_driver_is_ready_is_told_at_once() -> None:
    bench = HostBench()
    bench.assign()
    bench.cancel()
    assert bench.appended == [JobCanceled(job_id="a", writer=HOST, attempt=1)]
    bench.read_back()
    bench.ready()
    assert bench.done == []
    assert bench.held() == []


def test_a_cancel_read_with_the_assignment_launches_nothing() -> None:
    bench = HostBench()
    bench.read(initialized("a"), queued(job_id="a"), assigned(job_id="a"), cancel_requested("a"))
    assert bench.done == [Append(event=JobCanceled(job_id="a", writer=HOST, attempt=1))]


def test_a_cancel_that_overtakes_the_start_runs_nothing() -> None:
    bench = HostBench()
    bench.assign()
    bench.ready()
    started = bench.appended.pop()
    bench.cancel()
    assert bench.appended == [JobCanceled(job_id="a", writer=HOST, attempt=1)]
    bench.read(started)
    assert bench.got(RunAttempt) == []
    bench.read_back()
    assert bench.held() == []
    assert bench.worker_states() == {"default": "idle"}


def test_a_cancel_of_a_running_job_goes_to_the_driver_and_is_told_when_it_reports() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.cancel()
    assert bench.done == [Cancel(worker=worker, job_id="a", attempt=1)]
    bench.handle(canceled(worker))
    assert bench.appended == [JobCanceled(job_id="a", writer=HOST, attempt=1)]
    bench.read_back()
    assert bench.held() == []


def test_a_job_that_finished_just_when_it_was_canceled_has_finished() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.cancel()
    bench.handle(finished(worker))
    assert isinstance(bench.appended[0], JobFinished)
    bench.read_back()
    assert bench.held() == []


def test_a_cancel_read_after_the_end_was_told_changes_nothing() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.handle(finished(worker))
    assert bench.cancel() == []
    bench.read_back()
    assert bench.held() == []


def test_a_driver_that_cancels_unasked_fails_the_job() -> None:
    bench = HostBench()
    worker = bench.run()
    bench.handle(canceled(worker))
    assert isinstance(bench.appended[0], JobFailed)
    bench.read_back()
    assert bench.held() == []


def test_an_abandoned_cancel_drains_the_shared_driver() -> None:
    bench = HostBench()
    worker = bench.run("a")
    assert bench.run("b") == worker
    bench.cancel("a")
    bench.handle(canceled(worker, "a", abandoned=True))
    assert bench.got(Kill) == []
    assert bench.worker_states() == {"default": "draining"}
    bench.assign("c")
    assert bench.launched == [2]
    bench.handle(finished(worker, "b"))
    assert bench.got(Kill) == [Kill(worker=worker)]


def test_an_abandoned_cancel_kills_an_exclusive_driver() -> None:
    bench = HostBench()
    worker = bench.run(mode="exclusive")
    bench.cancel()
    bench.handle(canceled(worker, abandoned=True))
    assert bench.got(Kill) == [Kill(worker=worker)]
    assert isinstance(bench.appended[0], JobCanceled)


# -- what is not its own -----------------------------------------------------------------------------------------------


def test_what_runs_in_a_shared_driver_and_was_given_up_is_canceled_there() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.read(lost_by_scheduler(4, job_id="a"))
    assert bench.done == [Cancel(worker=worker, job_id="a", attempt=1)]
    assert bench.held() == []
    assert bench.worker_states() == {"default": "busy"}
    assert bench.handle(canceled(worker)) == []
    assert bench.worker_states() == {"default": "idle"}


def test_what_runs_in_an_exclusive_driver_and_was_given_up_is_killed() -> None:
    bench = HostBench()
    worker = bench.run("a", mode="exclusive")
    bench.read(lost_by_scheduler(4, job_id="a"))
    assert bench.done == [Kill(worker=worker)]


def test_the_next_attempt_runs_anew() -> None:
    bench = HostBench()
    bench.run("a", retries=1)
    bench.read(lost_by_scheduler(4, job_id="a"))
    bench.assign_again("a")
    bench.read_back()
    assert [run.attempt for run in bench.got(RunAttempt)] == [2]
    assert bench.held() == [("a", 2)]
    bench.handle(canceled(1, attempt=1))
    assert bench.done == []
    bench.handle(finished(1, attempt=2))
    assert bench.appended == [JobFinished(job_id="a", writer=HOST, attempt=2, result="{}")]


# -- drivers that end --------------------------------------------------------------------------------------------------


def test_a_dead_driver_s_jobs_are_lost_with_the_last_lines_it_printed() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.handle(DriverExited(worker=worker, reason="signal 9 (SIGKILL)", lines=("one", "two")))
    reason = "the driver died: signal 9 (SIGKILL)"
    assert bench.appended == [JobAttemptLost(job_id="a", writer=HOST, attempt=1, reason=reason, detail="one\ntwo")]
    bench.read_back()
    assert bench.held() == []
    assert bench.worker_states() == {}


def test_a_dead_driver_s_job_that_was_being_canceled_is_canceled() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.cancel("a")
    bench.handle(DriverExited(worker=worker, reason="exit code 1"))
    bench.read_back()
    assert bench.status("a") is None
    assert bench.held() == []


def test_a_driver_that_dies_while_a_start_is_on_its_way_runs_nothing() -> None:
    bench = HostBench()
    bench.assign()
    bench.ready()
    bench.handle(DriverExited(worker=1, reason="exit code 1"))
    assert [type(event) for event in bench.appended] == [JobStarted, JobAttemptLost]
    bench.read_back()
    assert bench.got(RunAttempt) == []
    assert bench.held() == []


@pytest.mark.parametrize(
    "end",
    [
        DriverUnusable(worker=1, error="bad master", lines=("x",)),
        DriverExited(worker=1, reason="bad master", lines=("x",)),
    ],
)
def test_a_driver_that_cannot_start_loses_those_who_waited_for_it(end: DriverUnusable | DriverExited) -> None:
    bench = HostBench()
    bench.assign("a")
    bench.assign("b")
    bench.handle(end)
    reason = "the driver could not start: bad master"
    assert bench.appended == [
        JobAttemptLost(job_id=job_id, writer=HOST, attempt=1, reason=reason, detail="x", failed_driver=f"{HOST}/1")
        for job_id in "ab"
    ]
    bench.read_back()
    assert bench.status("a") is Status.QUEUED
    bench.assign_again("a")
    assert bench.launched == [2]


def test_five_drivers_that_cannot_start_fail_the_job_with_the_reason() -> None:
    bench = HostBench()
    bench.assign("a")
    for _ in range(5):
        bench.handle(DriverUnusable(worker=bench.worker_of("a"), error="no such jar"))
        bench.handle(DriverExited(worker=bench.core.fleet.workers.copy().popitem()[0], reason="exit code 1"))
        bench.read_back()
        if bench.status("a") is not None:
            bench.assign_again("a")
    assert bench.status("a") is None


def test_a_driver_that_is_never_ready_is_given_up() -> None:
    bench = HostBench()
    bench.assign("a")
    bench.pass_time(299)
    assert bench.done == []
    bench.pass_time(301)
    assert bench.got(Kill) == [Kill(worker=1)]
    assert isinstance(bench.appended[0], JobAttemptLost)


def test_a_driver_that_does_not_answer_a_cancel_is_given_up() -> None:
    bench = HostBench()
    worker = bench.run("a")
    bench.pass_time(100)
    bench.cancel("a")
    bench.pass_time(119)
    assert bench.done == []
    bench.pass_time(121)
    assert bench.got(Kill) == [Kill(worker=worker)]
    bench.read_back()
    assert bench.held() == []


def test_an_exclusive_driver_ends_with_its_job() -> None:
    bench = HostBench()
    worker = bench.run("a", mode="exclusive", worker_id_prefix="w")
    assert bench.worker_states() == {"default-w-a": "busy"}
    bench.handle(finished(worker))
    assert bench.got(StopIdle) == [StopIdle(worker=worker)]
    assert bench.held() == [("a", 1)]
