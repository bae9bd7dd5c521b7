"""Probes of a service without HTTP of its own: live while its loop turns, ready when it reports no reason against it."""

import asyncio
import socket
import urllib.error
import urllib.request

import pytest

from mist_runtime.health import Health, serve_health
from support.stack import free_port


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_probes_answer_with_the_service_s_reason() -> None:
    clock, port = Clock(), free_port()
    health = Health(clock)
    server = serve_health(health, "127.0.0.1", port)
    assert server is not None
    try:
        health.wait_for("no Kafka broker answers")
        assert ask(port, "/livez") == (200, "ok\n")
        assert ask(port, "/readyz") == (503, "no Kafka broker answers\n")
        health.wait_for(None)
        assert ask(port, "/readyz") == (200, "ok\n")
        clock.now = 11.0
        assert ask(port, "/livez") == (503, "the loop has not turned for 11 s\n")
        assert ask(port, "/readyz")[0] == 503
        assert ask(port, "/metrics")[0] == 200
        assert ask(port, "/else")[0] == 404
    finally:
        server.shutdown()
        server.server_close()


def test_a_silent_client_holds_up_no_probe() -> None:
    port = free_port()
    server = serve_health(Health(), "127.0.0.1", port)
    assert server is not None
    try:
        with socket.create_connection(("127.0.0.1", port)):
            assert ask(port, "/livez") == (200, "ok\n")
    finally:
        server.shutdown()
        server.server_close()


async def test_a_loop_that_turns_beats() -> None:
    clock = Clock()
    health = Health(clock)
    clock.now = 100.0
    assert health.not_live() is not None
    async with health.beating():
        async with asyncio.timeout(10):
            while health.not_live() is not None:  # noqa: ASYNC110 - a clock changes it, not an event
                await asyncio.sleep(0)


def test_port_0_serves_none_and_a_taken_port_is_named() -> None:
    assert serve_health(Health(), "127.0.0.1", 0) is None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port} .*MIST_HEALTH_PORT"):
            serve_health(Health(), "127.0.0.1", port)


def test_what_the_service_finds_of_itself_makes_it_unready_until_it_finds_nothing() -> None:
    health, reasons = Health(), ["it is 20000 records of t behind", None]
    health.wait_for(None)
    health.watch(lambda: reasons.pop(0))
    health.beat()
    assert health.not_ready() == "it is 20000 records of t behind"
    health.beat()
    assert health.not_ready() is None
