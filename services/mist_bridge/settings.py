"""The bridge's settings, from `MIST_…` variables of the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from mist_eventlog.address import Secret
from mist_runtime.settings import ServiceSettings


class BridgeSettings(ServiceSettings):
    """Settings of a bridge: its consumer group and the MQTT broker."""

    bridge_group: str = Field("mist-bridge", description="Consumer group of the bridges; one member is the active one.")
    bridge_session_seconds: float = Field(
        8.0, description="Seconds of silence of the active bridge after which a standby becomes active.", ge=6
    )
    mqtt_host: str = Field(
        "",
        description="Host of the MQTT broker; without one the bridge publishes to Kafka alone, and make run starts a broker.",
    )
    mqtt_port: int = Field(1883, description="Port of the MQTT broker; for make run, 0 means no MQTT.", ge=1, le=65535)
    mqtt_requests: str = Field("mist/requests", description="MQTT topic of start requests.", min_length=1)
    mqtt_events: str = Field(
        "mist/events", description="MQTT topic of events; may be the topic of the requests.", min_length=1
    )
    mqtt_client_id: str = Field(
        "mist-bridge",
        description="MQTT client id. The broker keeps its session while no bridge runs.",
        min_length=1,
    )
    mqtt_user: str | None = Field(None, description="User name at the MQTT broker.")
    mqtt_password: SecretStr | None = Field(None, description="Password of the MQTT user.")
    mqtt_password_file: Path | None = Field(
        None, description="File with the password of the MQTT user, in place of MIST_MQTT_PASSWORD."
    )
    mqtt_tls: bool = Field(default=False, description="Use TLS to the MQTT broker.")
    mqtt_ca: Path | None = Field(
        None, description="CA certificates for the MQTT broker, a PEM file; the system's by default."
    )
    mqtt_certificate: Path | None = Field(
        None, description="Client certificate for mutual TLS with the MQTT broker, a PEM file."
    )
    mqtt_key: Path | None = Field(None, description="Key of that client certificate, a PEM file.")
    mqtt_packet_bytes: int = Field(
        256_000,
        description="Largest message in bytes that the MQTT broker accepts; a larger event is published without its result.",
        ge=1_000,
    )

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        self._mqtt_secret().refuse_both()
        return self

    def password(self) -> str | None:
        """The MQTT password, from the environment or its file. Raises `OSError` for a file that cannot be read."""
        return self._mqtt_secret().read()

    def _mqtt_secret(self) -> Secret:
        return Secret("MQTT_PASSWORD", self.mqtt_password, self.mqtt_password_file)
