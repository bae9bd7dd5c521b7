"""The worker host around its core: failures to carry out are stimuli, failures to decide end the process."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from mist_domain.facts.records import RECORDS
from mist_driver import protocol
from mist_eventlog import Appender, Codec
from mist_worker_host.core.attempts import TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.instructions import DriverSettings, Launch
from mist_worker_host.core.stimuli import (
    CaughtUp,
    DriverExited,
    DriverReady,
    RunCanceled,
    RunFailed,
    RunFinished,
    Stimulus,
)
from mist_worker_host.drivers.drivers import Drivers
from mist_worker_host.drivers.state_folder import StateFolder
from mist_worker_host.service import HostLoop
from mist_worker_host.settings import WorkerHostSettings
from support.host_bench import HOST, identity


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StateFolder]:
    state_folder = StateFolder(tmp_path)
    yield state_folder
    state_folder.release()


def test_a_driver_for_which_the_machine_has_no_room_is_one_that_could_not_start(folder: StateFolder) -> None:
    reported: list[Stimulus] = []
    drivers = Drivers(HOST, WorkerHostSettings(), folder, reported.append, lambda _: asyncio.Future())
    shutil.rmtree(folder.path / "drivers")
    drivers.launch(Launch(worker=1, settings=DriverSettings(worker_id="c", context="c", mode="shared", threads=1)))
    [exited] = reported
    assert isinstance(exited, DriverExited)
    assert exited.reason.startswith("this machine gave it no process or no file: ")
    assert "No such file or directory" in exited.reason


class Process:
    """A driver process without a process."""

    def __init__(self) -> None:
        self.killed = 0

    def kill(self) -> None:
        self.killed += 1


def test_a_driver_that_sends_anything_but_messages_is_killed_and_the_rest_is_not_read(folder: StateFolder) -> None:
    """The code of jobs can write to the driver's pipe, too."""
    reported: list[Stimulus] = []
    process = Process()
    drivers = Drivers(HOST, WorkerHostSettings(), folder, reported.append, lambda _: asyncio.Future())
    drivers._running[1] = cast("Any", process)
    ready = protocol.encode(protocol.Ready(spark_ui="http://ui"))
    drivers._read(1, [ready, b'{"type":"ready","spark_ui":7}', ready])
    assert reported == [DriverReady(worker=1, spark_ui="http://ui")]
    assert process.killed == 1


def test_the_outcome_of_a_run_reaches_the_core_as_the_driver_sent_it(folder: StateFolder) -> None:
    reported: list[Stimulus] = []
    drivers = Drivers(HOST, WorkerHostSettings(), folder, reported.append, lambda _: asyncio.Future())
    drivers._batches[1] = Counter()
    outcomes: list[protocol.Outcome] = [
        protocol.Finished(job_id="a", attempt=1, result='{ "n": 1.0 }'),
        protocol.Failed(job_id="a", attempt=2, error="E", traceback=""),
        protocol.Canceled(job_id="a", attempt=3, abandoned=True),
    ]
    drivers._read(1, [protocol.encode(outcome) for outcome in outcomes])
    assert reported == [
        RunFinished(worker=1, job_id="a", attempt=1, result='{ "n": 1.0 }'),
        RunFailed(worker=1, job_id="a", attempt=2, error="E", detail=None),
        RunCanceled(worker=1, job_id="a", attempt=3, abandoned=True),
    ]


async def test_a_bug_in_a_decision_ends_the_process(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a bug")

    core = HostCore(identity(), TimeLimits())
    host = HostLoop(core, WorkerHostSettings(), folder, Codec(RECORDS), Appender("127.0.0.1:1"))
    monkeypatch.setattr(core, "handle", fail)
    host.notify(CaughtUp())
    with pytest.raises(LookupError, match="a bug"):
        await asyncio.wait_for(host.watch(), 10)
