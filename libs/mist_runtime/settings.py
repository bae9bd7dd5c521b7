"""Settings that services share, from `MIST_…` variables of the environment. Each service adds its own."""

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
"""Seconds between the end of a host's lease and its loss: for a heartbeat under way and a late kill of its drivers."""

Settings = TypeVar("Settings", bound=BaseSettings)


class ServiceSettings(KafkaSettings):
    """Settings of every service: built once, in its `__main__.py`, and passed down."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Lowest level that is logged.")
    log_format: Literal["json", "text"] = Field(
        "json", description="Log format: JSON lines for machines, text for a terminal."
    )
    health_host: str = Field("127.0.0.1", description="Address that serves /livez, /readyz and /metrics.")
    health_port: int = Field(0, description="Port of /livez, /readyz and /metrics; 0 for none.", ge=0, le=65535)
    outage_seconds: float = Field(
        120.0,
        description="Seconds without an acknowledgement from Kafka after which a service exits, to restart and replay the log.",
        ge=10,
    )
    traces: str = Field(
        "",
        description="Base URL of an OpenTelemetry collector for spans by OTLP over HTTP; none are recorded without it. "
        "OTEL_… variables set the rest.",
    )
    state: Path = Field(Path(".mist/state"), description="Folder for the files that a service keeps between starts.")


class ArtifactSettings(ServiceSettings):
    """The artifact store, the same for gateways and hosts."""

    artifacts: str = Field(
        ".mist/artifacts",
        description="Artifact store for uploaded files: a folder that gateways and hosts share, or a URL such as s3://bucket/mist.",
    )


class RequestSettings(ServiceSettings):
    """The schema registry, the same for gateways and schedulers, which read start requests."""

    schema_registry: str = Field(
        "",
        description="URL of a Confluent schema registry, for requests in its framing; they become dead letters without it.",
    )
    schema_registry_auth: SecretStr | None = Field(
        None, description="Credentials at the schema registry, user:password."
    )

    def codec(self) -> Codec:
        """A codec for every record of Mist, and for requests in Confluent's framing if there is a registry."""
        if not self.schema_registry:
            return Codec(RECORDS)
        auth = self.schema_registry_auth
        return Codec(
            RECORDS, confluent=ConfluentSchemas(self.schema_registry, auth.get_secret_value() if auth else None)
        )


class TickSettings(ServiceSettings):
    """The clock by which silence is counted, the same for gateways, schedulers and hosts."""

    tick_seconds: float = Field(
        1.0,
        description="Seconds between two ticks of the active scheduler, by which a host's silence is counted.",
        gt=0,
    )


class LeaseSettings(TickSettings):
    """The lease, the same for schedulers and hosts."""

    lease_seconds: float = Field(
        20.0,
        description="Seconds without an acknowledged heartbeat of their host after which drivers end themselves: "
        f"longer than a broker's fail-over, shorter than the {LOST_TICKS} ticks after which a host is lost.",
        ge=3,
    )

    @model_validator(mode="after")
    def _lease_ends_before_the_host_is_lost(self) -> Self:
        lost_after = LOST_TICKS * self.tick_seconds
        if self.lease_seconds + LEASE_MARGIN > lost_after:
            raise ValueError(
                f"{PREFIX}LEASE_SECONDS is {self.lease_seconds:g}, but a host is lost after {LOST_TICKS} ticks, "
                f"{lost_after:g} s, and its drivers must be dead {LEASE_MARGIN:g} s before: set "
                f"{PREFIX}LEASE_SECONDS to {lost_after - LEASE_MARGIN:g} at most, or raise {PREFIX}TICK_SECONDS"
            )
        return self


def read_settings(settings: type[Settings]) -> Settings:
    """Read the settings from the environment. Exits with one sentence for each that is wrong."""
    try:
        return settings()
    except ValidationError as error:
        sys.exit("\n".join(_sentence(settings, problem["loc"], problem["msg"]) for problem in error.errors()))


def _sentence(settings: type[BaseSettings], place: tuple[int | str, ...], message: str) -> str:
    if not place:
        return message.removeprefix("Value error, ")
    name = str(place[0])
    field = settings.model_fields.get(name)
    meaning = f" ({field.description})" if field and field.description else ""
    return f"{PREFIX}{name.upper()}: {message[:1].lower()}{message[1:]}{meaning}"
