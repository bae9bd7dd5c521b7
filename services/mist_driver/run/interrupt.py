"""Raising an exception in another thread, only while it runs the job's own lines.

CPython delivers such an exception at the target's next check, which may be anywhere. In the middle of `logging` or of
pyspark's dialogue with its JVM it could leave a lock held, or half an answer unread, for the jobs that come after. So
it is sent only while the innermost Python frame is the job's own code: what a job does there is its own affair.
A thread that waits inside a library for ever is never interrupted; it is abandoned.
"""

import ctypes
import sys


class JobInterrupted(BaseException):
    """The job was canceled. No `Exception`, so that a job's `except Exception` does not keep it."""


def interrupt(thread: int, origin: str) -> bool:
    """Raise `JobInterrupted` in the thread if it is in code from `origin` now. The caller holds the run's lock."""
    frame = sys._current_frames().get(thread)
    if frame is None or not frame.f_code.co_filename.startswith(origin):
        return False
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(JobInterrupted))
    return True


def forget_interrupt(thread: int) -> None:
    """Take back what was raised and not delivered yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)
