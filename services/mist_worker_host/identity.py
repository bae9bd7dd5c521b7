"""What a host says of itself for as long as it lives, and the limits it keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`partitions` is that of `mist.job-events`."""

    host_id: str
    name: str
    address: str
    slots: int
    max_workers: int
    partitions: int
    spark_version: str
    java_version: str = ""
    replaces: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds. `grace`: what runs may take to end when the host stops. `launch`: a driver may take to be ready.

    `cancel`: a driver may take to answer a cancel, well above its own grace.
    """

    grace: float = 10.0
    launch: float = 300.0
    cancel: float = 20.0
