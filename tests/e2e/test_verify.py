"""`python -m mist_tools.verify` over a log with jobs of every end, beside the gateway that answers for them."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from support.client import Client


class ForgetfulGateway(BaseHTTPRequestHandler):
    """Lists no job at all."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing to tell."""


@pytest.fixture
def forgetful() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), ForgetfulGateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def verify(kafka: str, gateway: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mist_tools.verify", "--kafka", kafka, "--gateway", gateway]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_log_and_the_gateway_agree_on_jobs_of_every_end(mist: Client, kafka: str) -> None:
    canceled = mist.start("sleeper", {"seconds": 60})
    mist.cancel(canceled)
    assert mist.run("noop")["status"] == "finished"
    assert mist.run("failing", {"message": "no"})["status"] == "failed"
    assert mist.ended(canceled)["status"] == "canceled"
    done = verify(kafka, mist.url)
    assert done.returncode == 0, done.stderr
    assert "none twice" in done.stdout
    assert all(f" {word}" in done.stdout for word in ("finished", "failed", "canceled"))
    assert f"{mist.url} answers as the log says for" in done.stdout


def test_a_gateway_that_answers_otherwise_is_named_with_the_job(mist: Client, kafka: str, forgetful: str) -> None:
    mist.run("noop")
    done = verify(kafka, forgetful)
    assert done.returncode == 1
    assert done.stderr.startswith(f"BREACH {forgetful} does not list job ")
