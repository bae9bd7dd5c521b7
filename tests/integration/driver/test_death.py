"""A driver's end leaves nothing behind: neither its JVM, nor Spark's Python workers, nor what jobs started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mist_driver import protocol
from support.driver_process import DriverProcess, eventually, is_alive
from support.paths import EXAMPLE_JOBS, TESTS

Start = Callable[..., DriverProcess]

PARENT = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.driver_process import DriverProcess, eventually
driver = DriverProcess(Path(sys.argv[2]))
eventually("the JVM starts", lambda: any("java" in name for name in driver.names()))
holder = os.fork()
if holder:
    print(driver.process.pid, holder, flush=True)
time.sleep(60)
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[DriverProcess] = []

    def one(**init: object) -> DriverProcess:
        started.append(DriverProcess(tmp_path, **init))  # type: ignore[arg-type]
        return started[-1]

    yield one
    for driver in started:
        driver.close()


def has_jvm(driver: DriverProcess) -> bool:
    return any("java" in name for name in driver.names())


@pytest.fixture
def left() -> Iterator[Callable[[DriverProcess], int]]:
    """Have a job start a child that leaves the driver's session; it is ended here."""
    children: list[int] = []

    def one(driver: DriverProcess) -> int:
        children.append(driver.result("bad.forks", leave=True)["child"])
        return children[-1]

    yield one
    for child in children:
        os.kill(child, signal.SIGKILL)


def all_gone(driver: DriverProcess, limit: float = 5.0) -> None:
    eventually("everything of the driver is gone", lambda: not driver.processes(), limit)


def test_killed_it_takes_its_jvm_along(start: Start) -> None:
    driver = start()
    eventually("the JVM starts", lambda: has_jvm(driver))
    driver.process.kill()
    driver.process.wait()
    all_gone(driver, 2.0)


def test_when_the_host_hangs_up_everything_ends(start: Start) -> None:
    driver = start()
    eventually("the JVM starts", lambda: has_jvm(driver))
    driver.hang_up()
    all_gone(driver, 2.0)


def test_a_lease_that_is_renewed_keeps_it_and_one_that_passes_ends_everything(start: Start) -> None:
    driver = start(lease=1.0)
    for _ in range(4):
        driver.send(protocol.RenewLease(until=time.monotonic() + 1.0))
        time.sleep(0.5)
        assert driver.process.poll() is None
    driver.process.wait(3)
    assert driver.process.returncode == -signal.SIGKILL
    all_gone(driver, 2.0)


def test_it_dies_with_its_parent_even_if_the_pipe_stays_open(tmp_path: Path) -> None:
    """The parent is a process of its own here, and a third one holds the parent's end of the pipe open."""
    folder = str(TESTS)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, folder, str(tmp_path)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    driver, holder = (int(pid) for pid in parent.stdout.readline().split())
    try:
        assert is_alive(driver)
        parent.kill()
        parent.wait()
        eventually("the driver dies", lambda: not is_alive(driver), 2.0)
        assert is_alive(holder)
    finally:
        os.kill(holder, signal.SIGKILL)


def test_it_says_why_it_is_unusable(start: Start) -> None:
    driver = start(conf={"spark.master": "nonsense"})
    line = driver.ready()
    assert line["type"] == "unusable"
    assert line["error"].startswith("PySparkRuntimeError: [JAVA_GATEWAY_EXITED]")
    assert "Master must either be yarn or start with" in driver.output.read_text()
    assert driver.process.wait(10) == 72
    assert driver.output.read_text().rstrip().endswith("The driver could not start Spark and ends.")
    all_gone(driver)


def test_a_job_that_exits_ends_the_driver_and_all_its_work(
    start: Start, left: Callable[[DriverProcess], int], tmp_path: Path
) -> None:
    driver = start()
    driver.ready()
    driver.result("bad.forks")
    child = left(driver)
    driver.start("bad.ticks", path=str(tmp_path / "marks"))
    eventually("a task runs", (tmp_path / "marks").exists)
    workers = len(driver.processes())
    driver.start("bad.exits_for_real")
    assert driver.process.wait(10) == 9
    eventually("the host sees the end of the pipe", driver.has_hung_up, 2.0)
    assert is_alive(child)
    assert workers >= 5
    all_gone(driver)


def test_when_the_jvm_dies_the_driver_says_so_and_tells_no_other_end_of_the_job(start: Start) -> None:
    driver = start()
    driver.ready()
    job = driver.start("bad.kills_its_jvm")
    assert driver.process.wait(10) == 70
    assert (
        driver.output.read_text().rstrip().endswith("The driver's JVM was killed by signal 9; the driver ends with it.")
    )
    assert driver.of(job, "finished", "failed", "canceled") == []
    all_gone(driver)


def test_a_spark_context_that_stopped_ends_the_driver_after_the_job_is_told(start: Start) -> None:
    driver = start()
    driver.ready()
    assert driver.failure("bad.stops_the_context_for_good")["error"]
    assert driver.process.wait(10) == 71
    assert "Spark context has stopped" in driver.output.read_text()
    all_gone(driver)


def test_stop_ends_it_in_order_and_leaves_no_files(start: Start, tmp_path: Path) -> None:
    driver = start(threads=1)
    driver.ready()
    driver.result("simple_context.simple_context", EXAMPLE_JOBS, numbers=[1])
    assert_waiting_jobs_can_be_canceled(driver)
    driver.send(protocol.Stop())
    assert driver.process.wait(10) == 0
    all_gone(driver)
    assert {path.name for path in tmp_path.iterdir()} <= {"driver.out", "spark-warehouse"}


def assert_waiting_jobs_can_be_canceled(driver: DriverProcess) -> None:
    """With one thread a second job waits in the driver; it can be taken back, and the next runs in its turn."""
    first = driver.start("bad.sleeps", seconds=1.0)
    second = driver.start("bad.sleeps", seconds=1.0)
    third = driver.start("good.noop")
    driver.cancel(second)
    assert driver.end(second) == {"type": "canceled", "job_id": second, "attempt": 1, "abandoned": False}
    assert driver.of(first, "finished") == []
    assert driver.end(third)["type"] == "finished"
    assert driver.of(first, "finished") != []
