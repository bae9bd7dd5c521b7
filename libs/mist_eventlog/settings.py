"""How a process is told where Kafka is: from `MIST_KAFKA…` in its environment, secrets from files if wanted."""

from dataclasses import replace
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from mist_eventlog.kafka import KafkaAddress, Mechanism, Protocol

PREFIX = "MIST_"


class KafkaSettings(BaseSettings):
    """How Kafka is reached, for services and commands alike."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kafka: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, host:port, comma-separated.")
    kafka_security: Protocol = Field("PLAINTEXT", description="How Kafka is spoken to; SSL means TLS.")
    kafka_sasl: Mechanism = Field("SCRAM-SHA-512", description="SASL mechanism, where the security is SASL_….")
    kafka_user: str | None = Field(None, description="User at Kafka.")
    kafka_password: SecretStr | None = Field(None, description="Its password.")
    kafka_password_file: Path | None = Field(None, description="File that holds the password instead.")
    kafka_ca: Path | None = Field(None, description="Certificates that sign Kafka's; the system's if absent.")
    kafka_certificate: Path | None = Field(None, description="This client's certificate, for mutual TLS.")
    kafka_key: Path | None = Field(None, description="The key of that certificate.")

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.kafka_password and self.kafka_password_file:
            raise ValueError(f"set {PREFIX}KAFKA_PASSWORD or {PREFIX}KAFKA_PASSWORD_FILE, not both")
        if self.kafka_security.startswith("SASL") and not self.kafka_user:
            raise ValueError(f"{PREFIX}KAFKA_SECURITY is {self.kafka_security}: {PREFIX}KAFKA_USER is missing")
        return self

    def kafka_address(self) -> KafkaAddress:
        """Servers, protocol and secrets in one value."""
        return KafkaAddress(
            bootstrap=self.kafka,
            protocol=self.kafka_security,
            mechanism=self.kafka_sasl,
            user=self.kafka_user,
            password=_secret(self.kafka_password, self.kafka_password_file),
            ca=self.kafka_ca,
            certificate=self.kafka_certificate,
            key=self.kafka_key,
        )

    def at(self, bootstrap: str | None) -> KafkaAddress:
        """The same for other servers, if some are named."""
        address = self.kafka_address()
        return address if bootstrap is None else replace(address, bootstrap=bootstrap)


def _secret(secret: SecretStr | None, file: Path | None) -> str | None:
    if file is not None:
        return file.read_text().strip()
    return None if secret is None else secret.get_secret_value()
