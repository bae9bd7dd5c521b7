"""The scheduler and the worker host before they serve: without Kafka, with settings that cannot be, not alone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mist_tools.local_kafka import LocalKafka
from support.brokers import broker
from support.stack import MODULES, Service, free_port, wait_until

SERVICES = ("scheduler", "host")


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker that these tests may stop."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def services(own_kafka: LocalKafka, tmp_path: Path) -> Iterator[list[Service]]:
    made = [service(name, own_kafka.bootstrap, tmp_path) for name in SERVICES]
    yield made
    for running in made:
        running.end()


def service(name: str, kafka: str, folder: Path, **more: str) -> Service:
    environment = {"MIST_KAFKA": kafka, "MIST_STATE": str(folder / name), "MIST_HEALTH_PORT": str(free_port())}
    return Service(name, MODULES[name], environment | more, folder / f"{name}.log")


def probe(running: Service, path: str) -> tuple[int, str]:
    """Status and reason; 0 while nobody answers."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{running.environment['MIST_HEALTH_PORT']}{path}")
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


def wait_for(running: Service, path: str, answer: tuple[int, str], limit: float) -> None:
    wait_until(f"{running.name} answers {path} with {answer}", lambda: probe(running, path) == answer, limit)


def exit_message(running: Service) -> str:
    """The text with which a process exits that cannot start."""
    ended = subprocess.run(
        [sys.executable, "-m", running.module],
        env={**os.environ, **running.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_without_kafka_they_live_unready_and_say_why_until_it_is_there(
    own_kafka: LocalKafka, services: list[Service]
) -> None:
    own_kafka.stop_node(1)
    try:
        for running in services:
            running.start()
        reason = f"no Kafka broker answers at {own_kafka.bootstrap}: is it running?\n"
        for running in services:
            wait_for(running, "/readyz", (503, reason), 60)
            assert probe(running, "/livez") == (200, "ok\n")
            assert "kafka-awaited" in running.log.read_text()
    finally:
        own_kafka.start_node(1)
    for running in services:
        wait_for(running, "/readyz", (200, "ok\n"), 120)
        metrics = probe(running, "/metrics")[1]
        assert "process_resident_memory_bytes" in metrics
        assert f"mist_{running.name}_" in metrics
        running.end()
        assert running.process is not None
        assert running.process.returncode == 0


def test_they_stop_on_a_signal_while_they_wait_and_a_host_lets_nobody_else_into_its_folder(tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    waiting = [service(name, nowhere, tmp_path) for name in SERVICES]
    for running in waiting:
        running.start()
    for running in waiting:
        wait_for(running, "/livez", (200, "ok\n"), 30)
    host = waiting[-1]
    wait_until("it has its folder", (Path(host.environment["MIST_STATE"]) / "lock").exists)
    message = exit_message(service("host", nowhere, tmp_path))
    assert message.startswith(f"another worker host works on {host.environment['MIST_STATE']}")
    for running in waiting:
        running.end()
        assert running.process is not None
        assert running.process.returncode == 0


@pytest.mark.parametrize("name", SERVICES)
def test_a_lease_that_outlasts_the_host_s_loss_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    message = exit_message(service(name, "127.0.0.1:1", tmp_path, MIST_LEASE_SECONDS="24"))
    assert message.startswith("MIST_LEASE_SECONDS is 24, but a host is lost after 25 ticks, 25 s")
    assert len(message.splitlines()) == 1
