"""A leashed program ends with whoever started it, and its group with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mist_runtime.leash import Leashed

SLEEPERS = ("/bin/sh", "-c", "sleep 600 & echo $! > $0; wait")


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def written_pid(file: Path) -> int:
    wait_for(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


def test_it_gives_the_programs_exit_code_and_output(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        child = Leashed(["/bin/sh", "-c", "echo hello; exit 3"], output=out)
    assert child.wait(10) == 3
    assert (tmp_path / "out").read_text() == "hello\n"


def test_a_program_that_ends_takes_its_group_with_it(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        child = Leashed([*SLEEPERS, tmp_path / "pid"], output=out)
    grandchild = written_pid(tmp_path / "pid")
    assert child.stop(10) == -signal.SIGTERM
    wait_for(lambda: not lives(grandchild))


def test_a_program_that_will_not_end_is_killed(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        child = Leashed(["/bin/sh", "-c", "trap '' TERM; echo > $0; sleep 600", tmp_path / "up"], output=out)
    wait_for((tmp_path / "up").exists)
    assert child.stop(0.1) == -signal.SIGKILL


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_its_parent_even_when_frozen(tmp_path: Path, end: signal.Signals) -> None:
    program = (
        "import sys, threading, time; from pathlib import Path; from mist_runtime.leash import Leashed\n"
        f"start = lambda: Leashed([*{SLEEPERS!r}, sys.argv[1]], output=open('/dev/null', 'wb'))\n"
        "threading.Thread(target=lambda: globals().update(child=start())).start(); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, tmp_path / "pid"])
    grandchild = written_pid(tmp_path / "pid")
    child = os.getpgid(grandchild)
    os.kill(child, signal.SIGSTOP)
    parent.send_signal(end)
    parent.wait(10)
    wait_for(lambda: not lives(child) and not lives(grandchild))
