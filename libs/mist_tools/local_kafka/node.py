"""One Kafka process: its start, its end, and whether it serves."""

import logging
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from mist_runtime.java import Java
from mist_runtime.leash import Leashed
from mist_tools.local_kafka.server_properties import LocalKafkaError, NodePlace

HEAP = "-Xmx384m"
READY_SECONDS = 60.0
STOP_SECONDS = 20.0
FORMAT_SECONDS = 60.0
_LOGGING = Path(__file__).with_name("log4j2.properties")


@dataclass
class Node:
    """A node of the cluster. It may run, be paused, or not run."""

    place: NodePlace
    java: Java
    jars: Path
    _process: Leashed | None = field(default=None, init=False)

    def format(self, cluster_id: str) -> None:
        """Make the node's storage, once."""
        if (self.place.data / "meta.properties").exists():
            return
        arguments = ("format", "--cluster-id", cluster_id, "--config", self.place.properties, "--ignore-formatted")
        command = self._command("kafka.tools.StorageTool", *arguments, options=("-Xmx128m", "-XX:TieredStopAtLevel=1"))
        done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False)
        if done.returncode:
            raise LocalKafkaError(
                f"Kafka's storage in {self.place.data} could not be made: {_last_line(done.stdout, done.stderr)}"
            )

    def start(self) -> None:
        """Start the process; it serves a little later."""
        command = self._command("kafka.Kafka", self.place.properties, options=(HEAP, "-XX:+UseSerialGC"))
        with self.place.log.open("ab") as log:
            self._process = Leashed(command, output=log)

    def wait_ready(self) -> None:
        """Return when the node serves clients. Raises `LocalKafkaError` when it ends instead, or is still not up."""
        client = AdminClient({"bootstrap.servers": self.place.address}, logger=_silent())
        until = time.monotonic() + READY_SECONDS
        while not self._serves(client):
            code = self._running.exit_code()
            if code is not None:
                raise LocalKafkaError(f"Kafka ended while starting, with exit code {code}{self._why()}")
            if time.monotonic() > until:
                raise LocalKafkaError(f"Kafka did not serve within {READY_SECONDS:.0f} s{self._why()}")

    def exit_code(self) -> int | None:
        return self._running.exit_code()

    def ask_to_stop(self) -> None:
        if self._process:
            self._process.ask_to_stop()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        if self._process:
            self._process.stop(seconds)
            self._process = None

    def kill(self) -> None:
        self._running.kill()
        self._process = None

    def pause(self) -> None:
        self._running.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running.signal(signal.SIGCONT)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.exit_code() is None

    @property
    def pid(self) -> int:
        return self._running.pid

    @property
    def _running(self) -> Leashed:
        if self._process is None:
            raise RuntimeError(f"node {self.place.id} was not started")
        return self._process

    def _serves(self, client: AdminClient) -> bool:
        try:
            return self.place.id in client.list_topics(timeout=0.2).brokers
        except KafkaException:
            return False

    def _command(self, main: str, *arguments: str | Path, options: Sequence[str]) -> list[str | Path]:
        logging_file = f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"
        return [self.java.program, *options, logging_file, "-cp", f"{self.jars}/*", main, *arguments]

    def _why(self) -> str:
        last = _last_line(self.place.log.read_text(errors="replace")[-10_000:])
        return f": {last} (all of it in {self.place.log})"


def _last_line(*outputs: str) -> str:
    """The last line that tells of an error, or else the last one."""
    lines = [line.strip() for output in outputs for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "Exception" in line]
    return (errors or lines or ["it said nothing"])[-1]


def _silent() -> logging.Logger:
    """A logger that keeps to itself what librdkafka tells of each refused connection: that is what waiting looks like."""
    logger = logging.getLogger("mist.local-kafka.librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
