"""The event loop of a service: uvloop, stopped by SIGTERM or SIGINT, loud on a bug."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from mist_eventlog import LogResetError, OutageError
from mist_eventlog.topics import TopicsMismatchError

STOP_SECONDS = 20.0

log = structlog.get_logger("mist.process")


def run(service: Callable[[asyncio.Event], Awaitable[None]], *, grace: float = STOP_SECONDS) -> None:
    """Run `service(stop)` to its end. The first SIGTERM or SIGINT sets `stop`.

    `grace` seconds later the process exits with code 1, since a client library may wait for a Kafka that is away. Nothing
    is lost by it: the log has all state.

    An exception ends the process with exit code 1; the supervisor starts it again and it replays the log. Errors of the
    log are logged as their sentence, a bug with its traceback.
    """
    try:
        uvloop.run(_until_stopped(service, grace))
    except (LogResetError, OutageError, TopicsMismatchError) as error:
        _exit_with_reason(error)
    except Exception:
        log.exception("service-died")
        sys.exit(1)


def _exit_with_reason(error: Exception) -> None:
    """Exit without a traceback: the error's sentence says all."""
    log.error("service-ended", reason=str(error))
    sys.exit(1)


async def _until_stopped(service: Callable[[asyncio.Event], Awaitable[None]], grace: float) -> None:
    stop = asyncio.Event()

    def request_stop() -> None:
        if not stop.is_set():
            stop.set()
            last = threading.Timer(grace, _end_at_once, [grace])
            last.daemon = True
            last.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, request_stop)
    await service(stop)


def _end_at_once(grace: float) -> None:
    log.error("service-did-not-end", seconds=grace)
    os._exit(1)


async def until(stop: asyncio.Event, *work: Awaitable[None]) -> None:
    """Run all of `work` until one part ends or `stop` is set; then cancel the others. Raises the part's own error."""
    tasks = [asyncio.ensure_future(part) for part in (stop.wait(), *work)]
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for task in pending:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    for task in done:
        task.result()
