"""Imports for authors of jobs. Light: it loads neither Spark nor anything else of Mist."""

from mist.current import CurrentJob, current_job

__all__ = ["CurrentJob", "current_job"]
