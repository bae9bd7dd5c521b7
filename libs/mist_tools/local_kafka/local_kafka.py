"""A Kafka cluster of one or more nodes on this machine, for development and tests of failure."""

import base64
import contextlib
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mist_runtime.java import find_java
from mist_tools.local_kafka.jars import Progress, kafka_jars
from mist_tools.local_kafka.node import Node
from mist_tools.local_kafka.server_properties import (
    LocalKafkaError,
    NodePlace,
    free_port,
    refuse_taken,
    server_properties,
)

QUORUM_STOP_SECONDS = 3.0


class LocalKafka:
    """Brokers on 127.0.0.1 that end with this process. Their data stays in `folder` for the next start.

    Node `i` (from 1) listens on `port + i - 1`; port 0 takes free ones. With three nodes each topic has three copies,
    of which two must have a record. All methods wait until what they say is done, and raise `LocalKafkaError` or `JavaNotFoundError`.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = 1,
        port: int = 9092,
        progress: Progress | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        """`settings`: more of the broker's own."""
        self._folder = folder.absolute()
        self._count = nodes
        self._port = port
        self._settings = settings
        self._progress = progress or show_progress
        self._nodes: dict[int, Node] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.stop()

    @property
    def bootstrap(self) -> str:
        """`host:port` of every node, comma-separated. Known from the first start on."""
        return ",".join(node.place.address for node in self._nodes.values())

    @property
    def node_ids(self) -> tuple[int, ...]:
        return tuple(self._nodes)

    def start(self) -> None:
        """Start every node and return when all of them serve."""
        self._nodes = self._nodes or self._place_nodes()
        for node in self._nodes.values():
            refuse_taken(node.place.port)
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every node. A quorum that loses its majority cannot end in order, so its nodes get little time."""
        for node in self._nodes.values():
            node.ask_to_stop()
        for node in self._nodes.values():
            node.stop(*([QUORUM_STOP_SECONDS] if self._count > 1 else []))

    def start_node(self, i: int) -> None:
        """Start a node that was killed or stopped; returns when it serves."""
        self._nodes[i].start()
        self._nodes[i].wait_ready()

    def stop_node(self, i: int) -> None:
        """End a node in order: it hands its partitions over first."""
        self._nodes[i].stop()

    def kill(self, i: int = 1) -> None:
        """`kill -9`."""
        self._nodes[i].kill()

    def pause(self, i: int = 1) -> None:
        """Freeze a node: its connections stay open and nothing answers."""
        self._nodes[i].pause()

    def resume(self, i: int = 1) -> None:
        self._nodes[i].resume()

    def pid(self, i: int = 1) -> int:
        return self._nodes[i].pid

    def exit_code(self, i: int = 1) -> int | None:
        """`None` while the node runs."""
        return self._nodes[i].exit_code()

    def _place_nodes(self) -> dict[int, Node]:
        java = find_java()
        jars = kafka_jars(java, self._progress)
        return {place.id: Node(place, java, jars) for place in self._places()}

    def _places(self) -> list[NodePlace]:
        taken: set[int] = set()
        places = []
        for i in range(1, self._count + 1):
            port = self._port + i - 1 if self._port else free_port(taken)
            taken.add(port)
            controller_port = free_port(taken)
            taken.add(controller_port)
            folder = self._folder / f"node-{i}"
            places.append(NodePlace(id=i, folder=folder, port=port, controller_port=controller_port))
        return places

    def _start_all(self) -> None:
        cluster_id = self._prepare_folders()
        for node in self._nodes.values():
            node.format(cluster_id)
            node.start()
        for node in self._nodes.values():
            node.wait_ready()

    def _prepare_folders(self) -> str:
        places = [node.place for node in self._nodes.values()]
        try:
            for place in places:
                place.folder.mkdir(parents=True, exist_ok=True)
                place.properties.write_text(server_properties(place, places, self._settings))
            return _cluster_id(self._folder / "cluster-id")
        except OSError as error:
            raise LocalKafkaError(f"Kafka cannot keep its data in {self._folder}: {error}") from error


def show_progress(done: int, wanted: int, seconds: float) -> None:
    """One line on standard error that counts up; only its end where nobody watches."""
    last = done == wanted
    if sys.stderr.isatty() or last:
        with contextlib.suppress(OSError):
            sys.stderr.write(
                f"Fetching Kafka once: {done} of {wanted} jars, {seconds:.0f} s" + ("\n" if last else "\r")
            )
            sys.stderr.flush()


def _cluster_id(file: Path) -> str:
    if not file.exists():
        file.write_text(base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[:22].replace("-", "M"))
    return file.read_text()
