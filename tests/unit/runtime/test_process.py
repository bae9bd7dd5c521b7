"""The end of a service's process: one sentence for an error of the log, a traceback for a bug."""

import asyncio
import subprocess
import sys

import pytest
from structlog.testing import capture_logs

from mist_eventlog import LogResetError, OutageError
from mist_eventlog.topics import TopicsMismatchError
from mist_runtime.process import run


@pytest.mark.parametrize("kind", [LogResetError, OutageError, TopicsMismatchError])
def test_an_error_of_the_log_is_logged_as_its_sentence(kind: type[Exception]) -> None:
    async def service(stop: asyncio.Event) -> None:
        raise kind("topic t does not exist")

    with capture_logs() as logs, pytest.raises(SystemExit) as exit_:
        run(service)
    assert exit_.value.code == 1
    assert logs == [{"event": "service-ended", "reason": "topic t does not exist", "log_level": "error"}]


def test_a_bug_is_logged_with_its_traceback() -> None:
    async def service(stop: asyncio.Event) -> None:
        raise LookupError

    with capture_logs() as logs, pytest.raises(SystemExit):
        run(service)
    assert logs == [{"event": "service-died", "exc_info": True, "log_level": "error"}]


def test_what_does_not_end_when_it_is_asked_to_is_ended() -> None:
    script = """
import asyncio, os, signal
from mist_runtime.process import run

async def service(stop):
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

run(service, grace=0.2)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert "service-did-not-end" in ended.stdout + ended.stderr
