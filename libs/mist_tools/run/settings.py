"""Settings of `make run`, and the environment of each process that follows from them."""

import os
import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parents[3]
"""The checkout. In an installation from a wheel its files are missing, and `check_files` says so."""


class RunSettings(BaseSettings):
    """Settings of `make run`."""

    model_config = SettingsConfigDict(env_prefix="MIST_", frozen=True, extra="ignore")

    folder: Path = Field(ROOT / ".mist", description="Folder for all that `make run` keeps.")
    kafka_port: int = Field(9092, description="Port of Kafka on 127.0.0.1.", ge=1, le=65535)
    http_port: int = Field(2004, description="Port of the API on 127.0.0.1.", ge=1, le=65535)
    mqtt_host: str = Field("", description="An MQTT broker to use instead of one that is started here.")
    mqtt_port: int = Field(1883, description="Port of MQTT; 0: no MQTT.", ge=0, le=65535)
    procfile: Path = Field(ROOT / "deploy" / "Procfile", description="Procfile of the processes to run.")
    entries: Path = Field(ROOT / "deploy" / "examples" / "mist.yaml", description="Endpoints and contexts to load.")

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.kafka_port}"

    @property
    def mqtt(self) -> str | None:
        """Address of the MQTT broker, if there is one."""
        return f"{self.mqtt_host or '127.0.0.1'}:{self.mqtt_port}" if self.mqtt_port else None

    @property
    def starts_mqtt(self) -> bool:
        return self.mqtt is not None and not self.mqtt_host

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.http_port}"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def environment(self) -> dict[str, str]:
        """Environment of each process: `python` is this one, and every address and folder is set."""
        own = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "PYTHONUNBUFFERED": "1",
            "MIST_KAFKA": self.kafka,
            "MIST_KAFKA_PORT": str(self.kafka_port),
            "MIST_KAFKA_FOLDER": str(self.folder.absolute() / "kafka"),
            "MIST_HTTP_HOST": "127.0.0.1",
            "MIST_HTTP_PORT": str(self.http_port),
            "MIST_STATE": str(self.folder.absolute() / "state"),
            "MIST_ARTIFACTS": os.environ.get("MIST_ARTIFACTS", str(self.folder.absolute() / "artifacts")),
        }
        if self.mqtt is not None:
            own |= {"MIST_MQTT_HOST": self.mqtt_host or "127.0.0.1", "MIST_MQTT_PORT": str(self.mqtt_port)}
        else:
            own |= {"MIST_MQTT_HOST": "", "MIST_MQTT_PORT": "1883"}
        return {"MIST_LOG_FORMAT": "text", **os.environ, **own}


class CannotRunError(Exception):
    """Mist cannot be started on this machine now; the text says why and what to do."""
