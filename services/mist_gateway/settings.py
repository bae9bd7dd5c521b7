"""The gateway's settings."""

from pathlib import Path

from pydantic import Field

from mist_domain.scheduling.host_view import LOST_TICKS
from mist_runtime.settings import ArtifactSettings, RequestSettings, TickSettings


class GatewaySettings(ArtifactSettings, RequestSettings, TickSettings):
    """Settings of the gateway."""

    http_host: str = Field("127.0.0.1", description="Address of the API.")
    http_port: int = Field(2004, description="Port of the API.", ge=0, le=65535)
    allow_anonymous: bool = Field(
        default=False,
        description="Serve without authentication on an address that other machines reach.",
    )
    tokens_file: Path | None = Field(
        None,
        description="Bearer tokens, one a line: name, scope (read, run, admin), SHA-256. Read again when it changes.",
    )
    jwks: str = Field(
        "",
        description="File or URL of the keys (JWKS) that sign bearer tokens; their claim scope holds read, run or admin.",
    )
    jwt_audience: str | None = Field(None, description="Audience that signed tokens must name.")
    jwt_issuer: str | None = Field(None, description="Issuer that signed tokens must name.")
    rate_limit: float = Field(0.0, description="Requests per second of one token or address; 0 for no limit.", ge=0)
    cors_origins: str = Field("*", description="Origins whose pages may use the API, comma-separated; * for all.")
    scheduler_group: str = Field("mist-scheduler", description="Consumer group of the schedulers on mist.requests.")
    append_timeout: float = Field(5.0, description="Seconds within which Kafka must acknowledge a request.", gt=0)
    start_timeout: float = Field(60.0, description="Seconds the tables may take to begin following Kafka.", gt=0)
    artifact_limit: int = Field(250_000_000, description="Largest upload, in bytes.", ge=1)
    socket_buffer: int = Field(10_000, description="Events buffered for a WebSocket that reads slowly.", ge=1)
    socket_buffer_bytes: int = Field(16_000_000, description="Bytes buffered for a WebSocket that reads slowly.", ge=1)
    keep_alive: float = Field(60.0, description="Seconds of silence after which a WebSocket gets a keep-alive.", gt=0)

    @property
    def host_lost_after_ms(self) -> int:
        """Silence (ms) after which the schedulers call a host lost."""
        return round(LOST_TICKS * self.tick_seconds * 1000)
