"""`python -m mist_gateway`: settings, the port, then HTTP and the gateway together until it is told to stop."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Iterator

import structlog
import uvicorn

from mist_gateway.auth.middleware import refuse_open_door
from mist_gateway.http.app import build_api
from mist_gateway.metrics import register_figures
from mist_gateway.service import Gateway
from mist_gateway.settings import GatewaySettings
from mist_runtime.process import run, until
from mist_runtime.service import configure

log = structlog.get_logger("mist.gateway")

GRACE_S = 5
PING_S = 20.0
PONG_S = 60.0


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: GatewaySettings, listening: socket.socket, stop: asyncio.Event) -> None:
    """Run until `stop` is set or the gateway can go on no longer."""
    gateway = Gateway(settings)
    register_figures(gateway)
    server = Server(_config(gateway))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    running = asyncio.create_task(gateway.run())
    try:
        await until(stop, _undisturbed(running), _undisturbed(serving))
    finally:
        server.should_exit = True  # first the requests under way, then what they need
        await asyncio.wait([serving])
        running.cancel()
        await asyncio.wait([running])


async def _undisturbed(task: "asyncio.Task[None]") -> None:
    """Fail when the task fails; whoever stops waiting leaves it running."""
    await asyncio.shield(task)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, or exit with a sentence that says what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        sys.exit(
            f"Mist's gateway cannot listen on {host}:{port} ({error.strerror}): "
            "stop what uses the port, or set MIST_HTTP_PORT or MIST_HTTP_HOST."
        )
    return listening


def _config(gateway: Gateway) -> uvicorn.Config:
    return uvicorn.Config(
        build_api(gateway),
        http="httptools",
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws_per_message_deflate=False,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PONG_S,
        timeout_graceful_shutdown=GRACE_S,
    )


def main() -> None:
    settings = configure("gateway", GatewaySettings)
    refuse_open_door(settings)
    listening = bind(settings.http_host, settings.http_port)
    host, port = listening.getsockname()[:2]
    log.info("gateway-listening", host=host, port=port)
    run(lambda stop: serve(settings, listening, stop))


if __name__ == "__main__":
    main()
