"""Ports of this machine's loopback address."""

import random
import socket
from collections.abc import Collection

from mist_tools.local_kafka.errors import LocalKafkaError
from mist_tools.local_kafka.server_properties import HOST

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
