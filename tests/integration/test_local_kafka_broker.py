"""The real broker: records go in and come out, and survive what a broker's life brings."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from mist_tools.local_kafka import LocalKafka, LocalKafkaError, free_port
from support.stack import wait_until

TOPIC = "letters"


async def make_topic(bootstrap: str, copies: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        config = {"max.message.bytes": "8388608"}
        await admin.create_topics([NewTopic(TOPIC, 1, copies, topic_configs=config)])
    finally:
        await admin.close()


async def send(bootstrap: str, *values: bytes) -> None:
    """Append each value for sure, giving up on a broker that is silent for 5 s."""
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        max_request_size=8_388_608,
        request_timeout_ms=5_000,
    ) as producer:
        for value in values:
            await producer.send_and_wait(TOPIC, value)


async def read(bootstrap: str, count: int) -> list[bytes | None]:
    async with AIOKafkaConsumer(TOPIC, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        return [(await asyncio.wait_for(anext(values(consumer)), 30)) for _ in range(count)]


async def values(consumer: AIOKafkaConsumer) -> AsyncIterator[bytes | None]:
    async for record in consumer:
        yield record.value


async def test_records_up_to_8_mb_survive_a_kill_and_a_restart(tmp_path: Path) -> None:
    large = os.urandom(8_000_000)
    with LocalKafka(tmp_path, port=0) as kafka:
        await make_topic(kafka.bootstrap, copies=1)
        await send(kafka.bootstrap, b"a", large)
        assert await read(kafka.bootstrap, 2) == [b"a", large]
        kafka.kill()
        kafka.start_node(1)
        await send(kafka.bootstrap, b"b")
    with LocalKafka(tmp_path, port=0) as again:
        assert await read(again.bootstrap, 3) == [b"a", large, b"b"]


async def test_three_nodes_survive_the_loss_of_one(tmp_path: Path) -> None:
    with LocalKafka(tmp_path, nodes=3, port=0) as kafka:
        await make_topic(kafka.bootstrap, copies=3)
        await send(kafka.bootstrap, b"a")
        kafka.kill(2)
        await asyncio.wait_for(send(kafka.bootstrap, b"b"), 60)
        kafka.start_node(2)
        kafka.pause(3)
        await asyncio.wait_for(send(kafka.bootstrap, b"c"), 60)
        kafka.resume(3)
        assert await read(kafka.bootstrap, 3) == [b"a", b"b", b"c"]


def test_a_port_in_use_is_one_sentence_and_starts_nothing(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(LocalKafkaError, match=f"port {port} on 127.0.0.1 is in use"):
            LocalKafka(tmp_path, port=port).start()
    assert not (tmp_path / "node-1").exists()


@pytest.mark.parametrize(("end", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_the_broker_ends_with_its_command(tmp_path: Path, end: signal.Signals, code: int) -> None:
    port = free_port()
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "mist_tools.local_kafka",
        "run",
        "--folder",
        tmp_path,
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        assert running.stdout.readline().endswith(f"serves on 127.0.0.1:{port}\n")
        running.send_signal(end)
        assert running.wait(30) == code
    wait_until("the broker is gone", lambda: not accepts(port))


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
