"""Settings that services share. Each service adds its own; all come from `MIST_…` in the environment."""

import sys
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings

from mist_domain.facts.records import RECORDS
from mist_domain.scheduling.host_view import LOST_TICKS
from mist_eventlog import Codec, ConfluentSchemas
from mist_eventlog.address import PREFIX, KafkaSettings

LEASE_MARGIN = 4.0
"""Seconds by which drivers must be dead before their host is called lost: a sign of life on its way, a late kill."""

Settings = TypeVar("Settings", bound=BaseSettings)


class ServiceSettings(KafkaSettings):
    """Built once, in a service's `__main__.py`, and passed down."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="JSON lines for machines, text for a terminal.")
    health_host: str = Field("127.0.0.1", description="Address that serves /livez, /readyz and /metrics.")
    health_port: int = Field(0, description="Port of /livez, /readyz and /metrics; 0 serves none.", ge=0, le=65535)
    outage_seconds: float = Field(
        120.0,
        description="Seconds for which Kafka may take no record before a service exits, to start anew and read the log.",
        ge=10,
    )
    traces: str = Field(
        "",
        description="URL of an OpenTelemetry collector that takes spans by OTLP over HTTP; without one there are none.",
    )
    state: Path = Field(Path(".mist/state"), description="Folder for what a service keeps on disk between starts.")


class ArtifactSettings(ServiceSettings):
    """What gateways and hosts must agree on: where uploaded files are."""

    artifacts: str = Field(
        ".mist/artifacts",
        description="Where uploaded files are kept: a folder that gateways and hosts share, or a URL such as s3://bucket/mist.",
    )


class RequestSettings(ServiceSettings):
    """What those who read start requests must agree on."""

    schema_registry: str = Field(
        "", description="URL of a Confluent schema registry, for requests in its framing; without one they are refused."
    )
    schema_registry_auth: SecretStr | None = Field(None, description="user:password at the schema registry.")

    def codec(self) -> Codec:
        """Reads and writes every record of Mist."""
        if not self.schema_registry:
            return Codec(RECORDS)
        auth = self.schema_registry_auth
        return Codec(
            RECORDS, confluent=ConfluentSchemas(self.schema_registry, auth.get_secret_value() if auth else None)
        )


class LeaseSettings(ServiceSettings):
    """What schedulers and hosts must agree on: set both alike."""

    tick_seconds: float = Field(
        1.0, description="Least time between two of the schedulers' ticks, the measure of a host's silence.", gt=0
    )
    lease_seconds: float = Field(
        20.0,
        description="Drivers end themselves when Kafka has not confirmed a sign of life of their host for so long. "
        "Longer than a broker's fail-over, shorter than the 25 ticks after which a host is given up.",
        ge=3,
    )

    @model_validator(mode="after")
    def _lease_ends_before_the_host_is_lost(self) -> Self:
        lost_after = LOST_TICKS * self.tick_seconds
        if self.lease_seconds + LEASE_MARGIN > lost_after:
            raise ValueError(
                f"{PREFIX}LEASE_SECONDS is {self.lease_seconds:g}, but a host is called lost after {LOST_TICKS} ticks, "
                f"{lost_after:g} s, and its drivers must be dead {LEASE_MARGIN:g} s before: set "
                f"{PREFIX}LEASE_SECONDS to {lost_after - LEASE_MARGIN:g} at most, or raise {PREFIX}TICK_SECONDS"
            )
        return self


def read_settings(settings: type[Settings]) -> Settings:
    """The settings in the environment; exits with one sentence for each that is wrong."""
    try:
        return settings()
    except ValidationError as error:
        sys.exit("\n".join(_sentence(settings, one["loc"], one["msg"]) for one in error.errors()))


def _sentence(settings: type[BaseSettings], place: tuple[int | str, ...], message: str) -> str:
    if not place:
        return message.removeprefix("Value error, ")
    name = str(place[0])
    field = settings.model_fields.get(name)
    meaning = f" ({field.description})" if field and field.description else ""
    return f"{PREFIX}{name.upper()}: {message[:1].lower()}{message[1:]}{meaning}"
