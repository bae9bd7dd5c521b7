"""The scheduler's settings, each from `MIST_<NAME>` in the environment."""

from pydantic import Field

from mist_runtime.settings import LeaseSettings, RequestSettings


class SchedulerSettings(LeaseSettings, RequestSettings):
    scheduler_group: str = Field("mist-scheduler", description="Consumer group whose one member is the active one.")
    scheduler_session_seconds: float = Field(
        8.0, description="Silence after which a standby takes over from the active scheduler.", ge=6
    )
    max_requests_in_flight: int = Field(4_000, description="Requests read ahead of their decisions.", ge=1)
