"""A service's `__main__`: settings, logs, traces, probes, Kafka; then its work until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mist_eventlog import wait_for_kafka
from mist_runtime.health import Health, serve_health
from mist_runtime.logs import configure_logs
from mist_runtime.process import STOP_SECONDS, run, until
from mist_runtime.settings import ServiceSettings, read_settings
from mist_runtime.tracing import configure_tracing

Settings = TypeVar("Settings", bound=ServiceSettings)
Serve = Callable[[Health, asyncio.Event], Awaitable[None]]


def configure(service: str, settings_class: type[Settings]) -> Settings:
    """Read the settings, then set up logs and traces by them. Exits with a sentence for each setting that is wrong."""
    settings = read_settings(settings_class)
    configure_logs(service, settings.log_level, settings.log_format)
    configure_tracing(service, settings.traces)
    return settings


def run_service(settings: ServiceSettings, serve: Serve, *, grace: float = STOP_SECONDS) -> None:
    """Answer probes, wait for Kafka, then run `serve(health, stop)` to its end. `grace`: seconds to stop in."""
    health = Health()
    serve_health(health, settings.health_host, settings.health_port)

    async def serve_on_kafka(stop: asyncio.Event) -> None:
        async with health.beating():
            await until(stop, wait_for_kafka(settings.kafka_address(), health.wait_for))
            if not stop.is_set():
                health.wait_for("it reads the log")
                await serve(health, stop)

    run(serve_on_kafka, grace=grace)
