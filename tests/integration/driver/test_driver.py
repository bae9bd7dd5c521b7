"""The driver process with real Spark: the styles of job code, results, failures, output, cancelling."""

import json
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support.driver_process import DriverProcess, eventually
from support.paths import EXAMPLE_JOBS, JOBS

LIMITS = {
    "unserialisable": "ResultError: the result is not JSON: Object of type object is not JSON serializable",
    "not_a_number": "ResultError: the result holds NaN or Infinity",
    "holds_itself": "ResultError: the result holds itself",
    "too_deep": "ResultError: the result is nested deeper than 100 levels",
    "lone_surrogate": "ResultError: the result holds text that is no Unicode",
    "large": "ResultError: the result is 2,000,013 bytes of JSON, the limit is 1,000,000",
    "exits": "SystemExit: the job called sys.exit(3)",
    "interrupts": "KeyboardInterrupt: the job was interrupted",
    "raises_unprintable": "Unprintable: (its text cannot be made: RuntimeError)",
    "raises": "ValueError: no good",
    "missing": 'SignatureError: "missing" is not defined there; there is Unprintable, deeper,',
}


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DriverProcess]:
    one = DriverProcess(tmp_path_factory.mktemp("driver"))
    try:
        assert one.ready()["type"] == "ready"
        yield one
    finally:
        one.close()


# Styles


def test_a_function_multiplies_on_spark(driver: DriverProcess) -> None:
    assert driver.result("simple_context.simple_context", EXAMPLE_JOBS, numbers=[1, 2], multiplier=5) == {
        "result": [5, 10]
    }


def test_missing_arguments_get_their_defaults_and_null_is_missing(driver: DriverProcess) -> None:
    assert driver.result("good.given", a=1, c=None, unknown="ignored") == {"result": [1, None, 7]}
    assert driver.result("good.echo", a=None, b=2) == {"a": None, "b": 2}


def test_arguments_are_checked_again(driver: DriverProcess) -> None:
    error = driver.failure("good.given", b="x")["error"]
    assert error == 'ArgumentsError: "a" is missing: an integer is needed; "b" must be an integer, not the string "x"'


def test_old_classes_run_as_they_are(driver: DriverProcess) -> None:
    assert driver.result("old_classes.SimpleContext", numbers=[1, 2]) == {"result": [2, 4]}
    assert driver.result("old_classes.People", ages=[10, 20]) == {"result": '{"avg_age":15.0}'}
    job = driver.start("old_classes.Publishing", text="heard")
    assert driver.end(job)["type"] == "finished"
    assert driver.log(job) == [("INFO", "heard")]


def test_mistpy_functions_run_as_they_are(driver: DriverProcess) -> None:
    assert driver.result("mistpy_jobs.simple_context", numbers=[1, 2]) == {"result": [2, 4], "label": None}
    given = driver.result("mistpy_jobs.simple_context", numbers=[1], multiplier=4, label="x")
    assert given == {"result": [4], "label": "x"}
    assert driver.result("mistpy_jobs.session_outside", first=1) == {"sum": 4}
    assert driver.result("mistpy_jobs.sql") == {"one": 1}
    assert "is not supported" in driver.failure("mistpy_jobs.streaming")["error"]


def test_hive_starts_only_for_jobs_that_ask_for_it(driver: DriverProcess) -> None:
    assert driver.result("mistpy_jobs.hive") == {"catalog": "hive"}
    assert driver.result("old_classes.HiveTables", name="sevens") == {"n": 7}
    assert driver.result("good.finds_spark_itself") == {"count": 5}


def test_coroutines_run_to_their_end(driver: DriverProcess) -> None:
    assert driver.result("good.asynchronous", seconds=0.01) == {"result": "slept"}


def test_the_files_functions_classes_and_globals_reach_sparks_workers(driver: DriverProcess) -> None:
    assert driver.result("good.by_value", numbers=[1, 2]) == {"points": [3, 6], "same": True, "udf": [3, 6]}


def test_two_versions_of_a_file_do_not_mix(driver: DriverProcess, tmp_path: Path) -> None:
    for version in ("one", "two"):
        source = (
            f"def name(n):\n    return '{version}'\ndef job(sc):\n    return sc.parallelize([1]).map(name).collect()"
        )
        (tmp_path / version).mkdir()
        (tmp_path / version / "same.py").write_text(source)
    got = [driver.result("same.job", tmp_path / version)["result"] for version in ("one", "two", "one")]
    assert got == [["one"], ["two"], ["one"]]


def test_code_is_loaded_once(driver: DriverProcess) -> None:
    assert [driver.result("good.counted")["result"] for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("suffix", [".zip", ".egg", ".whl"])
def test_archives_keep_their_versions_apart(driver: DriverProcess, tmp_path: Path, suffix: str) -> None:
    for version in ("1", "2"):
        with zipfile.ZipFile(tmp_path / f"{version}{suffix}", "w") as archive:
            archive.writestr("pack/__init__.py", "")
            archive.writestr("pack/words.py", f"VERSION = '{version}{suffix}'\n")
            archive.writestr("pack/jobs.py", (JOBS / "packed.py").read_text())
    for whole in (f"1{suffix}", f"2{suffix}"):
        found = driver.result(f"{tmp_path / whole}:pack.jobs.versions")
        assert found == {"driver": whole, "worker": [whole], "udf": whole}
    assert "neither other.py" in driver.failure(f"{tmp_path}/1{suffix}:other.job")["error"]


# Jobs beside each other


def test_jobs_run_at_once_each_with_views_and_settings_of_its_own(driver: DriverProcess) -> None:
    jobs = {value: driver.start("good.view_of", value=value, seconds=1.0) for value in (3, 4, 5)}
    begin = time.monotonic()
    for value, job in jobs.items():
        assert driver.end(job)["result"] == f'{{"view":{value},"conf":"{value}","same_session":true}}'
    assert time.monotonic() - begin < 3 * 1.0 + 5


def test_stop_in_a_job_changes_nothing(driver: DriverProcess) -> None:
    job = driver.start("good.stops_spark")
    assert driver.end(job)["result"] == '{"count":3}'
    told = ("WARNING", "stop() changes nothing here: Mist keeps this Spark for other jobs.")
    assert driver.log(job) == [told, told]


def test_spark_is_told_the_job(driver: DriverProcess) -> None:
    job = driver.start("good.describes")
    assert f'"description":"job {job}, attempt 1","tags":["mist-thread-' in driver.end(job)["result"]


def test_a_job_knows_its_id_and_attempt_in_every_thread(driver: DriverProcess) -> None:
    job = driver.start("good.who_am_i")
    assert json.loads(driver.end(job)["result"]) == {"here": [job, 1], "there": [job, 1]}


def test_what_a_job_sets_on_its_thread_is_gone_with_it(driver: DriverProcess) -> None:
    for _ in range(10):
        driver.result("good.sets_properties")
        found = driver.result("good.reads_property")
        assert found["mine"] is None
        assert len(found["tags"]) == 1


# Failures


@pytest.mark.parametrize("job", LIMITS)
def test_a_bad_job_fails_with_a_clear_error(driver: DriverProcess, job: str) -> None:
    assert driver.failure(f"bad.{job}")["error"].startswith(LIMITS[job])
    assert driver.result("good.noop") == {}


def test_a_failure_shows_the_jobs_own_lines_only(driver: DriverProcess) -> None:
    job = driver.start("bad.raises")
    told = driver.end(job)["traceback"]
    assert 'File "bad.py"' in told
    assert 'return {}["missing"]' in told
    assert "The above exception was the direct cause" in told
    assert "driver" not in told
    assert str(JOBS) not in told
    assert told.rstrip("\n").split("\n") == [text for level, text in driver.log(job) if level == "ERROR"]


def test_a_copy_of_a_file_tells_its_own_lines(driver: DriverProcess, tmp_path: Path) -> None:
    (tmp_path / "copy.py").write_bytes((JOBS / "bad.py").read_bytes())
    driver.failure("bad.raises")
    assert 'File "copy.py"' in driver.end(driver.start("copy.raises", tmp_path))["traceback"]


def test_a_failure_in_a_task_tells_the_tasks_error(driver: DriverProcess) -> None:
    assert "ZeroDivisionError" in driver.failure("bad.raises_in_task")["error"]


def test_a_very_long_error_is_cut(driver: DriverProcess) -> None:
    error = driver.failure("bad.raises_at_length")["error"]
    assert error.startswith("ValueError: ää")
    assert error.endswith("(cut here)")
    assert len(error.encode()) <= 64_000


def test_a_file_that_does_not_load_fails_each_time(driver: DriverProcess, tmp_path: Path) -> None:
    for _ in range(2):
        failed = driver.failure("broken.job")
        assert failed["error"].startswith("ModuleNotFoundError: No module named 'a_module_that_is_not_there'")
        assert "import a_module_that_is_not_there" in failed["traceback"]
    (tmp_path / "half.py").write_text("def job(:")
    assert driver.end(driver.start("half.job", tmp_path))["error"].startswith("SignatureError: this is not Python")
    assert driver.end(driver.start("gone.job", tmp_path))["error"].startswith("FileNotFoundError")


# Output


def test_what_a_job_prints_and_logs_is_told_before_its_end(driver: DriverProcess) -> None:
    job = driver.start("good.talks")
    end = driver.end(job)
    lines = driver.log(job)
    assert lines == [
        ("INFO", "out 1"), ("WARNING", "err"), ("INFO", "logged 2"), ("WARNING", "two"), ("WARNING", "lines"),
        ("INFO", "bytes"), ("INFO", "from a thread"), ("INFO", "from a pool"), ("INFO", "unfinished"),
    ]  # fmt: skip
    assert all(driver.lines.index(batch) < driver.lines.index(end) for batch in driver.of(job, "log"))


def begun(driver: DriverProcess, job: str) -> bool:
    return driver.log(job) == [("INFO", "begun")]


def test_output_comes_while_the_job_runs_and_stays_with_it(driver: DriverProcess) -> None:
    jobs = [driver.start("good.talks_and_waits", seconds=1.0) for _ in range(3)]
    for job in jobs:
        eventually("the first line came", partial(begun, driver, job), 0.8)
    for job in jobs:
        driver.end(job)
        assert driver.log(job) == [("INFO", "begun"), ("INFO", "done")]


def test_megabytes_of_output_are_cut_and_hold_nobody_up(driver: DriverProcess) -> None:
    job = driver.start("good.many_lines", lines=20_000, width=1_000)
    assert driver.result("good.noop") == {}
    assert driver.end(job, 60)["type"] == "finished"
    log = driver.log(job)
    assert 9_900_000 < sum(len(text) for _, text in log) < 10_100_000
    assert log[-2:] == [
        ("WARNING", "A job may print 10,000,000 bytes. What this one prints from here on is not kept."),
        ("WARNING", "10,020,010 more bytes were printed and not kept"),
    ]
    assert max(len(str(batch)) for batch in driver.of(job, "log")) < 1_000_000


def test_a_line_without_end_comes_in_pieces(driver: DriverProcess) -> None:
    job = driver.start("good.many_lines", lines=1, width=100_000)
    driver.end(job)
    assert "".join(text for _, text in driver.log(job)) == "x" * 100_000


def test_lines_of_no_job_go_to_the_drivers_output(driver: DriverProcess) -> None:
    job = driver.start("bad.forks")
    child = json.loads(driver.end(job)["result"])["child"]
    eventually("it printed", lambda: "printed by a forked child" in driver.output.read_text())
    assert driver.log(job) == []
    os.kill(child, 9)


# Cancelling


def ticking(path: Path) -> bool:
    """True when the file still grows."""
    size = path.stat().st_size
    time.sleep(0.4)
    return path.stat().st_size > size


@pytest.mark.parametrize("job", ["ticks", "ticks_again"])
def test_cancelling_stops_the_work_in_sparks_tasks(driver: DriverProcess, tmp_path: Path, job: str) -> None:
    path = tmp_path / "marks"
    running = driver.start(f"bad.{job}", path=str(path))
    eventually("the task runs", path.exists)
    driver.cancel(running)
    assert driver.end(running, 4) == {"type": "canceled", "job_id": running, "attempt": 1, "abandoned": False}
    eventually("the task ends", lambda: not ticking(path), 5)


def test_cancelling_stops_the_spark_work_of_the_jobs_threads(driver: DriverProcess, tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    running = driver.start("bad.ticks_in_threads", paths=[str(path) for path in paths])
    eventually("both tasks run", lambda: all(path.exists() for path in paths))
    driver.cancel(running)
    assert driver.end(running, 10)["type"] in {"canceled", "finished"}
    eventually("the tasks end", lambda: not any(ticking(path) for path in paths), 5)


def test_cancelling_one_job_leaves_the_others(driver: DriverProcess, tmp_path: Path) -> None:
    other = driver.start("sleeper.sleeper", EXAMPLE_JOBS, seconds=2.0)
    running = driver.start("sleeper.sleeper", EXAMPLE_JOBS, seconds=60.0)
    eventually("both run", lambda: driver.log(running) and driver.log(other))
    driver.cancel(running)
    assert driver.end(running, 4)["abandoned"] is False
    assert driver.end(other)["result"] == '{"slept":2.0}'


def test_a_python_loop_is_interrupted_and_the_next_job_is_not(driver: DriverProcess) -> None:
    running = driver.start("bad.loops")
    eventually("it runs", lambda: driver.result("good.noop") == {})
    driver.cancel(running)
    assert driver.end(running, 2)["abandoned"] is False
    assert [driver.result("bad.sleeps", seconds=0.01) for _ in range(20)] == [{"slept": 0.01}] * 20


@pytest.mark.parametrize("job", ["stubborn", "waits_for_ever"])
def test_a_job_that_will_not_end_is_abandoned(driver: DriverProcess, job: str) -> None:
    running = driver.start(f"bad.{job}")
    driver.result("good.noop")
    driver.cancel(running)
    assert driver.end(running, 5) == {"type": "canceled", "job_id": running, "attempt": 1, "abandoned": True}
    assert driver.result("good.noop") == {}


def test_a_job_that_ends_by_itself_meanwhile_is_told_as_what_it_did(driver: DriverProcess) -> None:
    running = driver.start("bad.sleeps", seconds=1.0)
    driver.result("good.noop")
    driver.cancel(running)
    assert driver.end(running)["type"] in {"finished", "canceled"}
    driver.cancel(running)
    driver.cancel("unknown")
    assert driver.result("good.noop") == {}


def test_cancelling_at_any_moment_gives_each_job_one_end(driver: DriverProcess) -> None:
    jobs = [driver.start("bad.sleeps", seconds=0.005) for _ in range(200)]
    jobs += [driver.start("good.noop") for _ in range(100)]
    threading.Event().wait(0.05)
    for job in jobs:
        driver.cancel(job)
    ends = [driver.end(job) for job in jobs]
    assert {end["type"] for end in ends} <= {"finished", "canceled"}
    assert all(len(driver.of(job, "finished", "failed", "canceled")) == 1 for job in jobs)
