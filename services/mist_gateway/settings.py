"""The gateway's settings."""

from pydantic import Field

from mist_runtime.settings import ArtifactSettings, RequestSettings


class GatewaySettings(ArtifactSettings, RequestSettings):
    http_host: str = Field("127.0.0.1", description="Address of the API.")
    http_port: int = Field(2004, description="Port of the API.", ge=0, le=65535)
    scheduler_group: str = Field("mist-scheduler", description="Consumer group of the schedulers on mist.requests.")
    append_timeout: float = Field(5.0, description="Seconds a client waits for Kafka to take its request.", gt=0)
    start_timeout: float = Field(60.0, description="Seconds the tables may take to begin following Kafka.", gt=0)
    artifact_limit: int = Field(250_000_000, description="Bytes that an uploaded file may have.", ge=1)
    socket_buffer: int = Field(10_000, description="Events kept for a WebSocket that reads slowly.", ge=1)
    socket_buffer_bytes: int = Field(16_000_000, description="Bytes kept for a WebSocket that reads slowly.", ge=1)
    keep_alive: float = Field(60.0, description="Seconds of silence after which a WebSocket is told keep-alive.", gt=0)
