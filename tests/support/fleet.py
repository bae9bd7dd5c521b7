"""Mist in containers by testcontainers: a network, Kafka, and as many of each service as a test kills.

Image names come from the environment, as compose has them: MIST_IMAGES, KAFKA_IMAGE.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

from support.client import Client
from support.paths import ROOT
from support.stack import free_port, wait_until

IMAGES = os.environ.get("MIST_IMAGES", "mist")
KAFKA_IMAGE = os.environ.get("KAFKA_IMAGE", "apache/kafka:4.3.1")
READY_SECONDS = 120.0
SERVICES = {"gateway": "gateway", "scheduler": "scheduler", "host": "worker-host", "bridge": "bridge"}


@dataclass
class Fleet:
    """`kafka` is the broker's address from outside. Containers are known by the names of compose."""

    network: Network
    kafka: str = ""
    containers: dict[str, DockerContainer] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        self._start_kafka()
        self._run("topics", "python", "-m", "mist_eventlog.topics", "apply", "--wait", "120")
        self._run("gateway", "python", "-m", "mist_tools.load", "/examples/mist.yaml")
        for name in ("gateway-1", "gateway-2", "scheduler-1", "scheduler-2", "host-1", "host-2"):
            self._start_service(name)
        for name in ("gateway-1", "gateway-2"):
            self.wait_ready(name)

    def stop(self) -> None:
        for container in reversed(self.containers.values()):
            container.stop(force=True)

    def client(self, gateway: str) -> Client:
        return Client(f"http://127.0.0.1:{self.ports[gateway]}")

    def kill(self, name: str) -> None:
        """`kill -9` of all that runs in it, as when its machine is lost."""
        self._docker(name).kill("SIGKILL")

    def start_again(self, name: str) -> None:
        self._docker(name).start()

    def logs(self, name: str) -> str:
        return str(self._docker(name).logs().decode(errors="replace"))

    def wait_ready(self, gateway: str) -> None:
        def is_ready() -> bool:
            try:
                client = self.client(gateway)
                status = client.http.get("/v2/api/status")
                return status.status_code == 200 and status.json()["hosts"] > 0
            except Exception:  # noqa: BLE001 (a container that starts refuses in many ways)
                return False

        wait_until(f"{gateway} is ready and knows a host", is_ready, READY_SECONDS)

    def _start_kafka(self) -> None:
        port = free_port()
        kafka = DockerContainer(KAFKA_IMAGE)
        _publish(kafka, 9092, port)
        for name, value in _kafka_settings(port).items():
            kafka.with_env(name, value)
        self._add("kafka", kafka)
        self.kafka = f"127.0.0.1:{port}"

    def _start_service(self, name: str) -> None:
        kind, _, _ = name.partition("-")
        container = self._new(SERVICES[kind]).with_env("MIST_NAME", name)
        if kind == "gateway":
            self.ports[name] = free_port()
            _publish(container, 2004, self.ports[name])
            for setting, value in _GATEWAY.items():
                container.with_env(setting, value)
        self._add(name, container)

    def _run(self, image: str, *command: str) -> None:
        """A container that does one thing and ends well."""
        container = self._new(image).with_command(list(command)).with_network(self.network)
        container.start()
        try:
            code = container.get_wrapped_container().wait(timeout=READY_SECONDS)["StatusCode"]
            assert code == 0, container.get_logs()
        finally:
            container.stop(force=True)

    def _new(self, image: str) -> DockerContainer:
        container = DockerContainer(f"{IMAGES}/{image}").with_env("MIST_KAFKA", "kafka:19092")
        container.with_volume_mapping(str(ROOT / "deploy/examples"), "/examples", "ro").with_tmpfs_mount("/tmp", "exec")
        return container.with_kwargs(
            read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges:true"], init=True
        )

    def _add(self, name: str, container: DockerContainer) -> None:
        container.with_network(self.network).with_network_aliases(name)
        container.start()
        self.containers[name] = container

    def _docker(self, name: str) -> Any:
        return self.containers[name].get_wrapped_container()


def _publish(container: DockerContainer, inside: int, outside: int) -> None:
    """On this machine alone, which `with_bind_ports` cannot say."""
    container.ports[f"{inside}/tcp"] = ("127.0.0.1", outside)  # type: ignore[assignment]


@contextmanager
def fleet() -> Iterator[Fleet]:
    testcontainers_config.ryuk_disabled = True  # its image may not be there; what is started here is stopped here
    with Network() as network:
        running = Fleet(network)
        try:
            running.start()
            yield running
        finally:
            running.stop()
            time.sleep(1)  # the network is let go of a moment after its containers


_GATEWAY = {"MIST_HTTP_HOST": "0.0.0.0", "MIST_HTTP_PORT": "2004", "MIST_ALLOW_ANONYMOUS": "true"}


def _kafka_settings(port: int) -> dict[str, str]:
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@kafka:29093",
        "KAFKA_LISTENERS": "INSIDE://:19092,OUTSIDE://:9092,CONTROLLER://:29093",
        "KAFKA_ADVERTISED_LISTENERS": f"INSIDE://kafka:19092,OUTSIDE://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_MESSAGE_MAX_BYTES": "9000000",
        "KAFKA_REPLICA_FETCH_MAX_BYTES": "9000000",
        "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
    }
