"""The worker host around its core: what cannot be carried out is told, what cannot be decided ends the process."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mist_domain.facts.records import RECORDS
from mist_eventlog import Appender, Codec
from mist_worker_host.core.attempts import TimeLimits
from mist_worker_host.core.host import HostCore
from mist_worker_host.core.instructions import DriverSettings, Launch
from mist_worker_host.core.stimuli import CaughtUp, DriverExited, Stimulus
from mist_worker_host.drivers.drivers import Drivers
from mist_worker_host.drivers.state_folder import StateFolder
from mist_worker_host.service import HostLoop
from mist_worker_host.settings import WorkerHostSettings
from support.host_bench import HOST, identity


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[StateFolder]:
    one = StateFolder(tmp_path)
    yield one
    one.release()


def test_a_driver_for_which_the_machine_has_no_room_is_one_that_could_not_start(folder: StateFolder) -> None:
    told: list[Stimulus] = []
    drivers = Drivers(HOST, WorkerHostSettings(), folder, told.append, lambda *_: asyncio.Future())
    shutil.rmtree(folder.path / "drivers")
    drivers.launch(Launch(worker=1, settings=DriverSettings(worker_id="c", context="c", mode="shared", threads=1)))
    [exited] = told
    assert isinstance(exited, DriverExited)
    assert exited.reason.startswith("this machine gave it no process or no file: ")
    assert "No such file or directory" in exited.reason


async def test_a_bug_in_a_decision_ends_the_process(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a bug")

    core = HostCore(identity(), TimeLimits())
    host = HostLoop(core, WorkerHostSettings(), folder, Codec(RECORDS), Appender("127.0.0.1:1"))
    monkeypatch.setattr(core, "handle", fail)
    host.notify(CaughtUp())
    with pytest.raises(LookupError, match="a bug"):
        await asyncio.wait_for(host.watch(), 10)
