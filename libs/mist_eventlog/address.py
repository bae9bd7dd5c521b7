"""How Kafka is reached: the one place for addresses, TLS and SASL."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAddress:
    """`bootstrap` is `host:port`, comma-separated. Files are PEM; without `ca` the system's certificates count.

    `certificate` and `key` are this client's, for mutual TLS.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "PLAIN"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def uses_tls(self) -> bool:
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def uses_sasl(self) -> bool:
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    def tls(self) -> ssl.SSLContext | None:
        """What a TLS connection is made with. Raises `OSError` for files that cannot be used."""
        if not self.uses_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def client_settings(self) -> dict[str, Any]:
        """What every aiokafka client is made with."""
        settings: dict[str, Any] = {"bootstrap_servers": self.bootstrap}
        if self.protocol != "PLAINTEXT":
            settings |= {"security_protocol": self.protocol, "ssl_context": self.tls()}
        if self.uses_sasl:
            settings |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return settings

    def admin_settings(self) -> Mapping[str, str]:
        """What confluent-kafka's clients are made with."""
        settings = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.protocol,
            "sasl.mechanism": self.mechanism if self.uses_sasl else None,
            "sasl.username": self.user if self.uses_sasl else None,
            "sasl.password": self.password if self.uses_sasl else None,
            "ssl.ca.location": _text(self.ca),
            "ssl.certificate.location": _text(self.certificate),
            "ssl.key.location": _text(self.key),
        }
        return {name: value for name, value in settings.items() if value is not None}


def kafka_address(kafka: "str | KafkaAddress") -> KafkaAddress:
    return kafka if isinstance(kafka, KafkaAddress) else KafkaAddress(bootstrap=kafka)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


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
