"""The bridge's settings, each from `MIST_<NAME>` in the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from mist_runtime.settings import ServiceSettings


class BridgeSettings(ServiceSettings):
    bridge_group: str = Field("mist-bridge", description="Consumer group of the bridges; one member is the active one.")
    bridge_session_seconds: float = Field(
        8.0, description="Silence after which a standby takes over from the active bridge.", ge=6
    )
    mqtt_host: str = Field("", description="The MQTT broker; without one the bridge serves Kafka alone.")
    mqtt_port: int = Field(1883, description="Port of the MQTT broker.", ge=1, le=65535)
    mqtt_requests: str = Field("mist/requests", description="MQTT topic of start requests.", min_length=1)
    mqtt_events: str = Field(
        "mist/events", description="MQTT topic of events; may be that of the requests.", min_length=1
    )
    mqtt_client_id: str = Field(
        "mist-bridge",
        description="Name of the session that the MQTT broker keeps while no bridge is there.",
        min_length=1,
    )
    mqtt_user: str | None = Field(None, description="User at the MQTT broker.")
    mqtt_password: SecretStr | None = Field(None, description="Its password.")
    mqtt_password_file: Path | None = Field(None, description="File that holds the password instead.")
    mqtt_tls: bool = Field(default=False, description="Whether to speak TLS to the MQTT broker.")
    mqtt_ca: Path | None = Field(None, description="Certificates that sign the MQTT broker's; the system's if absent.")
    mqtt_certificate: Path | None = Field(None, description="Certificate of this client for mutual TLS.")
    mqtt_key: Path | None = Field(None, description="Key of that certificate.")
    mqtt_packet_bytes: int = Field(
        256_000, description="Largest message the MQTT broker takes; a larger event is sent in a short form.", ge=1_000
    )

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.mqtt_password and self.mqtt_password_file:
            raise ValueError("set MIST_MQTT_PASSWORD or MIST_MQTT_PASSWORD_FILE, not both")
        return self

    def password(self) -> str | None:
        """The password, from the environment or its file."""
        if self.mqtt_password_file is not None:
            return self.mqtt_password_file.read_text().strip()
        return self.mqtt_password.get_secret_value() if self.mqtt_password else None
