"""How Kafka is reached: the one place for addresses and, later, TLS and SASL."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAddress:
    """`bootstrap` is `host:port`, comma-separated."""

    bootstrap: str

    def client_settings(self) -> dict[str, Any]:
        """What every aiokafka client is made with."""
        return {"bootstrap_servers": self.bootstrap}

    def admin_settings(self) -> dict[str, str]:
        """What the confluent-kafka admin client is made with."""
        return {"bootstrap.servers": self.bootstrap}


def kafka_address(kafka: "str | KafkaAddress") -> KafkaAddress:
    return kafka if isinstance(kafka, KafkaAddress) else KafkaAddress(bootstrap=kafka)
