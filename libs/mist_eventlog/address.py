"""Kafka's address: servers, TLS and SASL, written once for every client library; and passwords from files."""

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
    """`bootstrap` is `host:port`, comma-separated. Files are PEM; without `ca` the system's certificates are trusted.

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
        """The TLS context of a connection, `None` without TLS. Raises `OSError` for unusable files."""
        if not self.uses_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def client_settings(self) -> dict[str, Any]:
        """Keyword arguments for every aiokafka client. Raises `OSError` for unusable files."""
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
        """The configuration of confluent-kafka's clients."""
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
    """The address; a string is one of bootstrap servers without TLS or SASL."""
    return kafka if isinstance(kafka, KafkaAddress) else KafkaAddress(bootstrap=kafka)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


PREFIX = "MIST_"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that is given as the setting `name` or as a file, the setting `name` and `_FILE`."""

    name: str
    value: SecretStr | None
    file: Path | None

    def refuse_both(self) -> None:
        """Raise `ValueError` when both settings are given."""
        if self.value and self.file:
            raise ValueError(f"set {PREFIX}{self.name} or {PREFIX}{self.name}_FILE, not both")

    def read(self) -> str | None:
        """The secret; a file's without white space around it. Raises `OSError` for a file that cannot be read."""
        if self.file is not None:
            return self.file.read_text().strip()
        return None if self.value is None else self.value.get_secret_value()


class KafkaSettings(BaseSettings):
    """Kafka's address, for services and commands alike."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kafka: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers, host:port, comma-separated.")
    kafka_security: Protocol = Field("PLAINTEXT", description="Protocol of Kafka's listener; SSL means TLS.")
    kafka_sasl: Mechanism = Field("SCRAM-SHA-512", description="SASL mechanism, for the protocols SASL_….")
    kafka_user: str | None = Field(None, description="User name at Kafka.")
    kafka_password: SecretStr | None = Field(None, description="Password of the Kafka user.")
    kafka_password_file: Path | None = Field(
        None, description="File with the password of the Kafka user, in place of MIST_KAFKA_PASSWORD."
    )
    kafka_ca: Path | None = Field(None, description="CA certificates for Kafka, a PEM file; the system's by default.")
    kafka_certificate: Path | None = Field(None, description="Client certificate for mutual TLS, a PEM file.")
    kafka_key: Path | None = Field(None, description="Key of the client certificate, a PEM file.")

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        self._kafka_secret().refuse_both()
        if self.kafka_security.startswith("SASL") and not self.kafka_user:
            raise ValueError(f"{PREFIX}KAFKA_SECURITY is {self.kafka_security}: {PREFIX}KAFKA_USER is missing")
        return self

    def _kafka_secret(self) -> Secret:
        return Secret("KAFKA_PASSWORD", self.kafka_password, self.kafka_password_file)

    def kafka_address(self) -> KafkaAddress:
        """Servers, protocol and secrets in one value. Raises `OSError` for a password file that cannot be read."""
        return KafkaAddress(
            bootstrap=self.kafka,
            protocol=self.kafka_security,
            mechanism=self.kafka_sasl,
            user=self.kafka_user,
            password=self._kafka_secret().read(),
            ca=self.kafka_ca,
            certificate=self.kafka_certificate,
            key=self.kafka_key,
        )

    def at(self, bootstrap: str | None) -> KafkaAddress:
        """The address with other bootstrap servers, if some are given."""
        address = self.kafka_address()
        return address if bootstrap is None else replace(address, bootstrap=bootstrap)
