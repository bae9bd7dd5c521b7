"""Summary of a running Mist: commands to try next, which work as printed."""

import os
import sys
from pathlib import Path

from mist_tools.run.settings import RunSettings

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
