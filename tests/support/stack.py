"""A whole Mist on this machine for tests and measurements: real services as processes, over a Kafka that is given."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

MODULES = {
    "gateway": "mist_gateway",
    "scheduler": "mist_scheduler",
    "host": "mist_worker_host",
    "bridge": "mist_bridge",
}
READY_SECONDS = 60.0

Found = TypeVar("Found")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(what: str, probe: Callable[[], Found | None], limit: float = 30.0) -> Found:
    """Return the value of `probe` once it is neither false nor `None`; `TimeoutError` naming `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"after {limit:.0f} s still not: {what}")
        time.sleep(0.02)


@dataclass
class Service:
    """One process of Mist and how to start it again as it was."""

    name: str
    module: str
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, number: signal.Signals = signal.SIGTERM, limit: float = 30.0) -> None:
        """Signal the process and wait for its end; one that outlives `limit` seconds is killed and told of."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def kill(self) -> None:
        """`kill -9`."""
        self.end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid


@dataclass
class Stack:
    """Gateways, schedulers and hosts; each host keeps a state folder of its own below `folder`."""

    kafka: str
    folder: Path
    gateways: int = 1
    schedulers: int = 1
    hosts: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    bridges: int = 0
    health_ports: Mapping[str, int] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return self.url_of(0)

    def url_of(self, gateway: int) -> str:
        return f"http://127.0.0.1:{self.ports[gateway]}"

    def start(self) -> None:
        """Start everything and wait until the gateways are ready and know every host."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = [free_port() for _ in range(self.gateways)]
        for index, port in enumerate(self.ports):
            self._add(f"gateway-{index}", "gateway", {"MIST_HTTP_PORT": str(port)})
        for index in range(self.schedulers):
            self._add(f"scheduler-{index}", "scheduler", {})
        for index in range(self.hosts):
            self._add(f"host-{index}", "host", {"MIST_NAME": f"host-{index}"})
        for index in range(self.bridges):
            self._add(f"bridge-{index}", "bridge", {})
        for service in self.services.values():
            service.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all, hosts first so that running jobs may still be told of."""
        for service in sorted(self.services.values(), key=lambda one: not one.name.startswith("host")):
            service.end()

    def wait_ready(self) -> None:
        for index in range(self.gateways):
            wait_until(f"gateway-{index} is ready", lambda index=index: self._is_ready(index), READY_SECONDS)  # type: ignore[misc]

    def load(self, entries: Path) -> None:
        """Load a YAML file of endpoints and contexts."""
        subprocess.run(
            [sys.executable, "-m", "mist_tools.load", str(entries)],
            env={**os.environ, "MIST_KAFKA": self.kafka},
            check=True,
            capture_output=True,
        )

    def _add(self, name: str, kind: str, more: Mapping[str, str]) -> None:
        state = self.folder / "state" / name
        if name in self.health_ports:
            more = {**more, "MIST_HEALTH_PORT": str(self.health_ports[name])}
        places = {"MIST_STATE": str(state), "MIST_ARTIFACTS": str(self.folder / "artifacts")}
        environment = {"MIST_KAFKA": self.kafka, **places, **self.environment, **more}
        self.services[name] = Service(name, MODULES[kind], environment, self.folder / f"{name}.log")

    def _is_ready(self, gateway: int) -> bool:
        try:
            if httpx.get(f"{self.url_of(gateway)}/readyz").status_code != httpx.codes.OK:
                return False
            status: dict[str, Any] = httpx.get(f"{self.url_of(gateway)}/v2/api/status").json()
        except httpx.TransportError:
            return False
        return int(status["hosts"]) >= self.hosts
