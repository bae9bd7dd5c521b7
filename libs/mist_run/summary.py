"""What to try next, as commands that work as printed."""

import os
import sys
from pathlib import Path

from mist_run.settings import RunSettings

DEFAULT_KAFKA = "127.0.0.1:9092"


def summary(settings: RunSettings) -> str:
    api, python = f"http://{settings.address}", _python()
    bootstrap = "" if settings.kafka == DEFAULT_KAFKA else f" --bootstrap {settings.kafka}"
    request = '{"endpointId": "simple-context", "parameters": {"numbers": [8, 9]}, "externalId": "mine"}'
    return f"""
Mist is up.
  API            {api}/v2/api
  documentation  {api}/docs
  Kafka          {settings.kafka}
  data and logs  {_short(settings.folder)}

Try next:
  curl -X POST '{api}/v2/api/endpoints/simple-context?force=true' -d '{{"numbers": [7, 8]}}'
  curl {api}/v2/api/jobs
  {python} -m mist_eventlog.produce{bootstrap} mist.requests '{request}'
  {python} -m websockets ws://{settings.address}/v2/api/jobs/ws
"""


def _python() -> str:
    return _short(Path(sys.executable))


def _short(path: Path) -> str:
    """The path from here, where it is below here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
