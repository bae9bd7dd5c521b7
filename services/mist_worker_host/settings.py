"""The worker host's settings, each from `MIST_<NAME>` in the environment."""

import os
import socket
from pathlib import Path

from pydantic import Field

from mist_runtime.settings import ArtifactSettings, LeaseSettings

GIB = 1 << 30
LARGEST_RESULT = 4_000_000
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def memory_bytes(cgroup_limit: Path = _CGROUP_LIMIT) -> int:
    """Memory of this machine, or of the container that this runs in."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(machine, int(cgroup_limit.read_text()))
    except (OSError, ValueError):
        return machine


def drivers_for(memory: int) -> int:
    """Default number of drivers: one for each GiB, from 2 to 16. An idle one needs half a GiB, a busy one more."""
    return min(16, max(2, memory // GIB))


class WorkerHostSettings(LeaseSettings, ArtifactSettings):
    name: str = Field(default_factory=socket.gethostname, description="The host's name, the same at each start.")
    address: str = Field(default_factory=socket.gethostname, description="Address of the host, shown with its workers.")
    slots: int = Field(256, description="Jobs that run or wait for their driver at once.", ge=1, le=10_000)
    max_workers: int = Field(
        default_factory=lambda: drivers_for(memory_bytes()),
        description="Spark drivers at once; by default one per GiB of memory, from 2 to 16.",
        ge=1,
        le=1_000,
    )
    result_limit: int = Field(
        1_000_000, description="Bytes of JSON that a job may return, 4,000,000 at most.", ge=1, le=LARGEST_RESULT
    )
    sql_rows: int = Field(
        1_000, description="Rows of a .sql job's statement that become its result.", ge=1, le=1_000_000
    )
    cancel_grace: float = Field(
        5.0, description="Seconds that a canceled job's code has to end before its thread is abandoned.", gt=0, le=15
    )
    grace_seconds: float = Field(
        10.0, description="Seconds that running jobs have to end when the host is asked to stop.", ge=0
    )
    launch_seconds: float = Field(300.0, description="Seconds that a driver has to start Spark.", gt=0)
    stop_seconds: float = Field(10.0, description="Seconds that an idle driver has to stop before it is killed.", gt=0)
    driver_nice: int = Field(
        10,
        description="Niceness of driver processes, 0 to 19. A host kept from a busy core cannot renew its lease and loses its "
        "drivers.",
        ge=0,
        le=19,
    )
    last_lines: int = Field(
        50, description="Last lines of a driver's output, kept to explain its death.", ge=1, le=1_000
    )
    driver_log_bytes: int = Field(
        5_000_000, description="Bytes of each driver's own output kept in the state folder, twice.", ge=10_000
    )
    job_log_bytes_in_flight: int = Field(
        8_000_000, description="Bytes of job logs in flight to Kafka before drivers must wait.", ge=1_000_000
    )
