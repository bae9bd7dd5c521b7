"""Server properties of a node: combined controller and broker, on loopback only, records up to 8 MB."""

import random
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
LARGEST_BATCH = 9_000_000
ALONE = {"broker.session.timeout.ms": 3_000, "broker.heartbeat.interval.ms": 500}
"""Nothing fails over to a single node, which after a kill must wait for the end of its own old session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlace:
    """Address, ports and folder of a node. Ids count from 1."""

    id: int
    folder: Path
    port: int
    controller_port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "kafka.log"

    @property
    def properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"


def server_properties(place: NodePlace, places: Sequence[NodePlace], more: Mapping[str, object] | None = None) -> str:
    """The node's `server.properties`, as one of `places`; `more` adds to them, or says otherwise."""
    copies = min(3, len(places))
    safe = max(1, copies - 1)
    settings = {
        "process.roles": "broker,controller",
        "node.id": place.id,
        "controller.quorum.voters": ",".join(f"{each.id}@{HOST}:{each.controller_port}" for each in places),
        "listeners": f"PLAINTEXT://{place.address},CONTROLLER://{HOST}:{place.controller_port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": place.data,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "default.replication.factor": copies,
        "min.insync.replicas": safe,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": safe,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": safe,
        "message.max.bytes": LARGEST_BATCH,
        "replica.fetch.max.bytes": LARGEST_BATCH,
        "log.cleaner.dedupe.buffer.size": 16_000_000,
        **(ALONE if len(places) == 1 else {}),
        **(more or {}),
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())


class LocalKafkaError(Exception):
    """The local broker cannot run; the text says why and what to do."""


_BELOW_EPHEMERAL = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """True when a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port(taken: Collection[int] = ()) -> int:
    """A free port outside the range that outgoing connections take theirs from, so that it stays free."""
    while True:
        port = random.choice(_BELOW_EPHEMERAL)  # noqa: S311 (no secret)
        if port not in taken and is_free(port):
            return port


def refuse_taken(port: int) -> None:
    if not is_free(port):
        raise LocalKafkaError(f"port {port} on {HOST} is in use: end what listens there, or give Kafka another port")
