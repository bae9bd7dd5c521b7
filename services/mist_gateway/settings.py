"""The gateway's settings."""

from pathlib import Path

from pydantic import Field

from mist_runtime.settings import ArtifactSettings, RequestSettings


class GatewaySettings(ArtifactSettings, RequestSettings):
    http_host: str = Field("127.0.0.1", description="Address of the API.")
    http_port: int = Field(2004, description="Port of the API.", ge=0, le=65535)
    allow_anonymous: bool = Field(
        default=False,
        description="Whether all may ask who can reach the API, though it listens wider than this machine.",
    )
    tokens_file: Path | None = Field(
        None,
        description="Bearer tokens, one a line: name, scope (read, run, admin), SHA-256. Read again when it changes.",
    )
    jwks: str = Field(
        "", description="File or URL of the keys (JWKS) that sign bearer tokens; scopes as above in 'scope'."
    )
    jwt_audience: str | None = Field(None, description="The audience that signed tokens must be for.")
    jwt_issuer: str | None = Field(None, description="The issuer that signed tokens must be of.")
    rate_limit: float = Field(0.0, description="Requests a second of one token or address, 0 for no limit.", ge=0)
    cors_origins: str = Field("*", description="Origins whose pages may use the API, comma-separated; * for all.")
    scheduler_group: str = Field("mist-scheduler", description="Consumer group of the schedulers on mist.requests.")
    append_timeout: float = Field(5.0, description="Seconds a client waits for Kafka to take its request.", gt=0)
    start_timeout: float = Field(60.0, description="Seconds the tables may take to begin following Kafka.", gt=0)
    artifact_limit: int = Field(250_000_000, description="Bytes that an uploaded file may have.", ge=1)
    socket_buffer: int = Field(10_000, description="Events kept for a WebSocket that reads slowly.", ge=1)
    socket_buffer_bytes: int = Field(16_000_000, description="Bytes kept for a WebSocket that reads slowly.", ge=1)
    keep_alive: float = Field(60.0, description="Seconds of silence after which a WebSocket is told keep-alive.", gt=0)
