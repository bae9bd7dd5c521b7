"""/livez, /readyz and /metrics of a service without HTTP of its own, answered from a thread.

Live: the event loop turned within `LIVE_SECONDS`. Ready: live, and the service reports no reason against it.
"""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import make_wsgi_app

LIVE_SECONDS = 10.0
BEAT_SECONDS = 1.0


class Health:
    """The state of the service: written by its event loop, read by the thread that answers probes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beat = clock()
        self._check: Callable[[], str | None] = lambda: None
        self._found: str | None = None
        self.unready: str | None = "starting"

    def wait_for(self, reason: str | None) -> None:
        """Set the reason why the service is not ready; `None` makes it ready."""
        self.unready = reason

    def watch(self, check: Callable[[], str | None]) -> None:
        """Call `check` in the loop, once a second: it returns the reason why the service is not ready, or `None`."""
        self._check = check

    def beat(self) -> None:
        """Note that the loop turned."""
        self._beat = self._clock()
        self._found = self._check()

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat once a second for as long as the event loop turns."""
        task = asyncio.create_task(self._keep_beating())
        try:
            yield
        finally:
            task.cancel()

    async def _keep_beating(self) -> None:
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)

    def not_live(self) -> str | None:
        """The reason why the service is not live; `None` if it is."""
        silent = self._clock() - self._beat
        return f"the loop has not turned for {silent:.0f} s" if silent > LIVE_SECONDS else None

    def not_ready(self) -> str | None:
        """The reason why the service is not ready; `None` if it is."""
        return self.not_live() or self.unready or self._found


def serve_health(health: Health, host: str, port: int) -> WSGIServer | None:
    """Answer on `host:port` until the process ends; port 0 for no server. Exits with a sentence if the port is in use."""
    if port == 0:
        return None
    try:
        server = make_server(host, port, _application(health), server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        sys.exit(
            f"Mist cannot answer probes on {host}:{port} ({error.strerror}): stop what uses the port, "
            "or set MIST_HEALTH_PORT to another one, or to 0 for none."
        )
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each probe, so that a silent client holds up no other."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10.0

    def log_message(self, *_: object) -> None:
        """No-op: probes are not logged."""


def _application(health: Health) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    metrics = make_wsgi_app()
    checks = {"/livez": health.not_live, "/readyz": health.not_ready}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answered: Iterable[bytes] = metrics(environ, start_response)
            return answered
        check = checks.get(path)
        problem = "not found" if check is None else check()
        status = "404 Not Found" if check is None else "503 Service Unavailable" if problem else "200 OK"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{problem or 'ok'}\n".encode()]

    return answer
