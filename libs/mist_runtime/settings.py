"""Settings that every service shares. Each service adds its own; all come from `MIST_…` in the environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Built once, in a service's `__main__.py`, and passed down."""

    model_config = SettingsConfigDict(env_prefix="MIST_", frozen=True, extra="ignore")

    kafka: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, host:port, comma-separated.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="JSON lines for machines, text for a terminal.")
    health_host: str = Field("127.0.0.1", description="Address that serves /livez, /readyz and /metrics.")
    health_port: int = Field(0, description="Port of /livez, /readyz and /metrics; 0 serves none.", ge=0, le=65535)
    state: Path = Field(Path(".mist/state"), description="Folder for what a service keeps on disk between starts.")
