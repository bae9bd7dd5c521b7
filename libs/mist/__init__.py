"""What the author of a job imports. Light: nothing of Spark and nothing else of Mist is loaded."""

from mist.current import CurrentJob, current_job

__all__ = ["CurrentJob", "current_job"]
