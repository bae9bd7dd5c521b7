"""The job that the running code belongs to, and the attempt at it. The driver sets it before it runs a job."""

from contextvars import ContextVar
from typing import NamedTuple

RUNNING: ContextVar["CurrentJob | None"] = ContextVar("mist_current_job", default=None)


class CurrentJob(NamedTuple):
    """`attempt` counts from 1: 2 and more after an attempt was lost."""

    job_id: str
    attempt: int


def current_job() -> CurrentJob:
    """The job whose code calls this, in its own thread or in one that it started.

    Raises `LookupError` elsewhere, as in the Python workers of Spark: give them what they need as a value.
    """
    job = RUNNING.get()
    if job is None:
        raise LookupError("no job of Mist runs here: current_job() is for the job's own code on the driver")
    return job
