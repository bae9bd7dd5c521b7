"""The module for authors of jobs. It is light: it loads neither Spark nor anything else of Mist."""

from mist.current import CurrentJob, current_job

__all__ = ["CurrentJob", "current_job"]
