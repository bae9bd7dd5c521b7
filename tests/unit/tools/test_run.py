"""`make run` without what it runs: what it refuses, how it keeps processes, what it shows."""

import os
import shlex
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from mist_tools.local_kafka import free_port
from mist_tools.run.checks import check_disk, check_files, check_ports, sole_use
from mist_tools.run.example import Followed
from mist_tools.run.live import summary
from mist_tools.run.settings import ROOT, CannotRunError, RunSettings
from mist_tools.run.supervisor import RESTARTS, Supervised, Supervisor, Warnings, read_procfile


def supervised(folder: Path, name: str, script: str) -> Supervised:
    return Supervised(name, ("/bin/sh", "-c", script), dict(os.environ), folder / f"{name}.log")


def revive_until_running_again(process: Supervised, said: list[str]) -> None:
    end = time.monotonic() + 10
    while not said or process.pid is None:
        assert time.monotonic() < end
        process.revive(said.append)
        time.sleep(0.01)


def revive_for(process: Supervised, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        process.revive(lambda _: None)
        time.sleep(0.01)


def test_the_procfile_names_every_service_and_the_broker() -> None:
    commands = read_procfile(ROOT / "deploy" / "Procfile")
    assert list(commands) == ["kafka", "gateway", "scheduler", "host", "mqtt", "bridge"]
    assert commands["gateway"] == ("python", "-m", "mist_gateway")


def test_a_procfile_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotRunError, match=r"Procfile cannot be read: No such file"):
        read_procfile(tmp_path / "Procfile")


def test_a_port_in_use_is_named_with_its_setting() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(CannotRunError, match=f"^port {port}, the API's, is in use: .*MIST_HTTP_PORT$"):
            check_ports(RunSettings(http_port=port, kafka_port=free_port()))


@pytest.mark.parametrize("missing", ["procfile", "entries"])
def test_an_installation_without_the_repositorys_files_is_refused(tmp_path: Path, missing: str) -> None:
    check_files(RunSettings())
    with pytest.raises(CannotRunError, match=f"is missing: run Mist from a checkout, .* MIST_{missing.upper()}$"):
        check_files(RunSettings.model_validate({missing: tmp_path / "none"}))


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mist_tools.run.checks.NEEDED_BYTES", 10**18)
    with pytest.raises(CannotRunError, match=r"has \d+ MB free, and Mist needs"):
        check_disk(tmp_path)


def test_a_folder_is_used_by_one_run_at_a_time(tmp_path: Path) -> None:
    with sole_use(tmp_path), pytest.raises(CannotRunError, match="another Mist runs in"), sole_use(tmp_path):
        pass
    with sole_use(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CannotRunError, match="choose another folder by MIST_FOLDER"),
        sole_use(tmp_path / "file" / "mist"),
    ):
        pass


def test_processes_are_told_where_everything_is(tmp_path: Path) -> None:
    environment = RunSettings(folder=tmp_path, kafka_port=19092, http_port=12004).environment()
    assert environment["MIST_KAFKA"] == "127.0.0.1:19092"
    assert environment["MIST_HTTP_PORT"] == "12004"
    assert environment["MIST_STATE"] == str(tmp_path / "state")
    assert environment["PATH"].startswith(str(Path(sys.executable).parent))


def test_a_process_that_is_killed_is_started_again(tmp_path: Path) -> None:
    process, said = supervised(tmp_path, "gateway", "exec sleep 600"), list[str]()
    process.start()
    first = process.pid
    assert first
    os.kill(first, signal.SIGKILL)
    revive_until_running_again(process, said)
    assert process.pid != first
    assert said == [f"gateway ended with exit code -9 and is started again (its log: {tmp_path}/gateway.log)"]
    process.stop()


def test_a_process_that_ends_again_and_again_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    process = supervised(tmp_path, "host", "echo no room; exit 3")
    process.start()
    with pytest.raises(CannotRunError, match=rf"^host ended {RESTARTS} times, last with exit code 3:\n  no room\n"):
        revive_for(process, seconds=30)


def test_the_broker_ends_after_the_services(tmp_path: Path) -> None:
    order = tmp_path / "order"
    script = f"trap 'echo $0 >> {shlex.quote(str(order))}; exit' TERM; echo up; while :; do sleep 0.01; done"
    broker, gateway = (
        Supervised(name, ("/bin/sh", "-c", script, name), dict(os.environ), tmp_path / f"{name}.log")
        for name in ("kafka", "gateway")
    )
    supervisor = Supervisor(broker, [gateway], print)
    supervisor.start_broker()
    supervisor.start_services()
    end = time.monotonic() + 10
    while not all(one.log.exists() and one.log.read_text() == "up\n" for one in (broker, gateway)):
        assert time.monotonic() < end
        time.sleep(0.01)
    supervisor.stop()
    assert order.read_text() == "gateway\nkafka\n"


def test_only_new_warnings_of_services_reach_the_terminal(tmp_path: Path) -> None:
    log, said = tmp_path / "gateway.log", list[str]()
    log.write_text("2026-01-01T00:00:00Z [error    ] before-ready   service=gateway\n")
    warnings = Warnings([log], said.append)
    warnings.show()
    warnings.begin()
    with log.open("a") as more:
        more.write("2026-01-01T00:00:00Z [info     ] fine   service=gateway\n")
        more.write("2026-01-01T00:00:00Z [warning  ] lag   seconds=3 service=gateway\n2026-01-01 [error")
    warnings.show()
    assert said == ["gateway: lag   seconds=3"]
    with log.open("a") as more:
        more.write("    ] half   service=gateway\n" + "x [error    ] again   service=gateway\n" * 5)
    warnings.show()
    assert said[1:] == ["gateway: half", "gateway: again", "gateway: again", f"gateway: and 3 more, in {log}"]


def test_the_example_follows_its_two_jobs_and_no_others() -> None:
    followed = Followed({"r": "REST"})
    assert followed.takes({"event": "initialized", "id": "x"}) is None
    assert followed.takes({"event": "initialized", "id": "k", "externalId": "hello-kafka"}) == "Kafka"
    assert followed.takes({"event": "initialized", "id": "other", "externalId": "hello-kafka"}) is None
    assert followed.takes({"event": "keep-alive"}) is None
    assert followed.takes({"event": "finished", "id": "k"}) == "Kafka"
    assert followed.ends == {"Kafka": "finished"}
    assert followed.takes({"event": "failed", "id": "r"}) == "REST"
    assert followed.over


def test_the_summary_says_the_ports_that_were_chosen(tmp_path: Path) -> None:
    text = summary(RunSettings(folder=tmp_path, kafka_port=19092, http_port=12004))
    assert "http://127.0.0.1:12004/docs" in text
    assert "produce --bootstrap 127.0.0.1:19092 mist.requests" in text
    assert "--bootstrap" not in summary(RunSettings(folder=tmp_path))
