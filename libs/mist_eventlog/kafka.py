"""How Kafka is reached: the one place for addresses, TLS and SASL."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

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
