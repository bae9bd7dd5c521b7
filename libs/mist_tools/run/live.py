"""From nothing to a Mist that runs, and back to nothing."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mist_tools.run.checks import wait_ready
from mist_tools.run.example import run_example
from mist_tools.run.settings import CannotRunError, RunSettings
from mist_tools.run.supervisor import Supervised, Supervisor, Warnings, read_procfile

DEFAULT_HTTP_PORT = 2004
DEFAULT_KAFKA = "127.0.0.1:9092"


def summary(settings: RunSettings) -> str:
    api, python = f"http://{settings.address}", _python()
    mist = _short(Path(sys.executable).parent / "mist")
    mist += "" if settings.http_port == DEFAULT_HTTP_PORT else f" --url {api}"
    bootstrap = "" if settings.kafka == DEFAULT_KAFKA else f" --bootstrap {settings.kafka}"
    mqtt = f"\n  MQTT           {settings.mqtt}  (mist/requests, mist/events)" if settings.mqtt else ""
    request = '{"endpointId": "simple-context", "parameters": {"numbers": [8, 9]}, "externalId": "mine"}'
    return f"""
Mist is up.
  API            {api}/v2/api
  documentation  {api}/docs
  Kafka          {settings.kafka}{mqtt}
  data and logs  {_short(settings.folder)}

Try next:
  curl -X POST '{api}/v2/api/endpoints/simple-context?force=true' -d '{{"numbers": [7, 8]}}'
  curl {api}/v2/api/jobs
  {python} -m mist_tools.produce{bootstrap} mist.requests '{request}'
  {python} -m websockets ws://{settings.address}/v2/api/jobs/ws
{_mqtt_commands(settings, request)}  {mist} run simple-context numbers='[1, 2, 3]' --watch
"""


def _mqtt_commands(settings: RunSettings, request: str) -> str:
    if settings.mqtt is None:
        return ""
    folder, url = _short(Path(sys.executable).parent), f"mqtt://{settings.mqtt}"
    return (
        f"  {folder}/amqtt_sub --url {url} -t mist/events -n 4 &\n"
        f"  {folder}/amqtt_pub --url {url} -t mist/requests -q 1 -m '{request}'\n"
    )


def _python() -> str:
    return _short(Path(sys.executable))


def _short(path: Path) -> str:
    """The path from here, where it is below here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


WATCH_SECONDS = 0.25
BROKER, MQTT = "kafka", "mqtt"

Say = Callable[[str], None]


async def live(settings: RunSettings, *, once: bool, say: Say) -> None:
    """Run Mist until Ctrl-C, or with `once` until the example jobs finished. Raises `CannotRunError`."""
    stop = _stop_on_signals(say)
    supervisor = _supervisor(settings, say)
    warnings = Warnings([process.log for process in (supervisor.broker, *supervisor.services)], say)
    story = asyncio.create_task(_tell(settings, supervisor, warnings, say))
    watch = asyncio.create_task(_watch(supervisor, warnings))
    stopping = asyncio.create_task(stop.wait())
    try:
        await _first(story, watch, stopping)
        if not once:
            await _first(watch, stopping)
    finally:
        for task in (story, watch, stopping):
            task.cancel()
        await asyncio.gather(story, watch, stopping, return_exceptions=True)
        await _end(supervisor, say)


async def _tell(settings: RunSettings, supervisor: Supervisor, warnings: Warnings, say: Say) -> None:
    start = time.monotonic()
    supervisor.start_broker()
    await _run(settings, "mist_eventlog.topics", "apply")
    say(f"Kafka is up with Mist's topics on {settings.kafka} ({time.monotonic() - start:.1f} s)")
    supervisor.start_services()
    await _run(settings, "mist_tools.load", str(settings.entries))
    await wait_ready(settings)
    warnings.begin()
    say(f"Mist takes jobs on http://{settings.address} ({time.monotonic() - start:.1f} s)")
    say("The example job, over REST and over Kafka; a Spark driver starts first, for some seconds:")
    await run_example(settings, say)
    say(summary(settings))


async def _run(settings: RunSettings, *module: str) -> None:
    """Run a command of ours to its end. What it says is shown if it fails."""
    process = await asyncio.create_subprocess_exec(
        *("python", "-m", *module),
        env=settings.environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise CannotRunError(output.decode(errors="replace").strip())


async def _watch(supervisor: Supervisor, warnings: Warnings) -> None:
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        supervisor.revive()
        warnings.show()


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Wait for the first of them to end, and raise what it raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _end(supervisor: Supervisor, say: Say) -> None:
    say("Stopping; nothing stays behind.")
    await asyncio.to_thread(supervisor.stop)


def _supervisor(settings: RunSettings, say: Say) -> Supervisor:
    settings.logs.mkdir(parents=True, exist_ok=True)
    environment = settings.environment()
    processes = {}
    for name, command in read_procfile(settings.procfile).items():
        if name == MQTT and not settings.starts_mqtt:
            continue
        log = settings.logs / f"{name}.log"
        log.write_bytes(b"")
        processes[name] = Supervised(name, command, environment, log)
    return Supervisor(processes.pop(BROKER), list(processes.values()), say)


def _stop_on_signals(say: Say) -> asyncio.Event:
    """An event that the first Ctrl-C sets. The second one ends this process at once, and all others with it."""
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            say("Killed.")
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    return stop
