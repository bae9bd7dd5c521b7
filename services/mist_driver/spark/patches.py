"""Every patch of CPython, py4j and pyspark that the driver makes. `tests/contract/test_patches.py` holds each to its version.

Written for pyspark 4 and tried with 4.3, which brings py4j 0.10.9.9. Of all this only `PyThreadState_SetAsyncExc` is
public API. Nothing here knows of runs: what depends on the current run comes in as a function.
"""

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark import RDD, SparkContext
    from pyspark.sql import DataFrame, SparkSession


class JobInterrupted(BaseException):
    """The job was canceled. No `Exception`, so that a job's `except Exception` does not keep it."""


# CPython


def interrupt(thread: int, origin: str) -> bool:
    """Raise `JobInterrupted` in the thread if it runs code whose file name starts with `origin` now; True if so.

    Why: Python has no way to stop a thread. How: `PyThreadState_SetAsyncExc` (C API since 2.3) and
    `sys._current_frames` (since 2.5). CPython delivers the exception at the thread's next check, which may be anywhere.
    In the middle of `logging`, or of pyspark's dialogue with its JVM, it could leave a lock held or half an answer
    unread for the jobs that follow. So it is sent only while the innermost Python frame is the job's own code. A thread
    that waits inside a library for ever is never interrupted; it is abandoned. The caller holds the run's lock.
    """
    frame = sys._current_frames().get(thread)
    if frame is None or not frame.f_code.co_filename.startswith(origin):
        return False
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(JobInterrupted))
    return True


def forget_interrupt(thread: int) -> None:
    """Take back what was raised and not delivered yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)


def wrap_new_threads(wrapped: Callable[[Callable[[], None]], Callable[[], None]]) -> None:
    """Have every thread started from here on run `wrapped(body)`, called in the thread that starts it.

    Why: a job's threads belong to the job, also those of pools and libraries. Threads do not inherit
    context variables before Python 3.14, and from 3.14 on only where `thread_inherit_context` is set. How: `threading.Thread.start` replaces the instance's `run`.
    """
    start = threading.Thread.start

    def start_wrapped(self: threading.Thread) -> None:
        body = wrapped(self.run)
        if body != self.run:
            vars(self)["run"] = body
        start(self)

    _replace(threading.Thread, "start", start_wrapped)


# py4j


def raise_cancels(is_canceled_call: Callable[[str], bool]) -> None:
    """Turn errors of canceled calls to the JVM into `JobInterrupted`, so that a job's `except Exception` cannot keep them.

    `is_canceled_call` gets the error's text. How: `py4j.protocol.get_return_value` is replaced, through which py4j
    sees each answer. pyspark wraps that function itself (since 1.5, from 4.0 in `pyspark.errors.exceptions.captured`), so
    it is asked to wrap ours again.
    """
    from py4j import protocol
    from pyspark.errors.exceptions.captured import install_exception_handler

    original = protocol.get_return_value

    def get_return_value(answer: Any, gateway_client: Any, target_id: Any = None, name: Any = None) -> Any:
        try:
            return original(answer, gateway_client, target_id, name)
        except protocol.Py4JJavaError as error:
            if is_canceled_call(str(error)):
                raise JobInterrupted from error
            raise

    _replace(protocol, "get_return_value", get_return_value)
    install_exception_handler()


# pyspark


def show_each_job_its_own(root: "SparkSession", job_session: "Callable[[], SparkSession | None]") -> None:
    """Make pyspark's globals the current job's: `job_session()`, or `root` for code that belongs to no job.

    Why: jobs share one Spark context, and pyspark's globals with it. Without this, `RDD.toDF` and
    `SparkSession.getActiveSession` would hand one job the session that another made last, and `spark.stop()`, which many
    a script ends with, would end every job of the driver.
    """

    def current() -> "SparkSession":
        return job_session() or root

    _patch_session(current)
    _patch_rdd(current)
    _patch_context(current)


def _patch_session(current: "Callable[[], SparkSession]") -> None:
    """`active` exists since pyspark 3.5, `getActiveSession` since 3.0."""
    from pyspark.sql import SparkSession

    create_remote = SparkSession.Builder.getOrCreate

    def get_or_create(self: Any) -> "SparkSession":
        if "spark.remote" in self._options:
            return create_remote(self)
        for key, value in self._options.items():
            if current().conf.isModifiable(key):
                current().conf.set(key, value)
        return current()

    _replace(SparkSession.Builder, "getOrCreate", get_or_create)
    _replace(SparkSession, "getActiveSession", staticmethod(current))
    _replace(SparkSession, "active", staticmethod(current))
    _replace(SparkSession, "stop", _ignore_stop)


def _patch_rdd(current: "Callable[[], SparkSession]") -> None:
    """Every new session makes itself `RDD.toDF`'s by `_monkey_patch_RDD` (since 1.3), which two modules hold."""
    from pyspark import RDD
    from pyspark.sql import context, session

    def to_df(self: "RDD[Any]", schema: Any = None, sampleRatio: float | None = None) -> "DataFrame":  # noqa: N803
        return current().createDataFrame(self, schema, sampleRatio)

    for module in (session, context):
        _replace(module, "_monkey_patch_RDD", lambda _: None)
    _replace(RDD, "toDF", to_df)


def _patch_context(current: "Callable[[], SparkSession]") -> None:
    from pyspark import SparkContext

    def get_context(conf: Any = None) -> "SparkContext":  # noqa: ARG001 (its settings cannot be changed any more)
        return current().sparkContext

    _replace(SparkContext, "getOrCreate", staticmethod(get_context))
    _replace(SparkContext, "stop", _ignore_stop)


def _ignore_stop(_: object) -> None:
    sys.stderr.write("stop() changes nothing here: Mist keeps this Spark for other jobs.\n")


def _replace(owner: object, name: str, replacement: object) -> None:
    """Raises `AttributeError` when there is nothing to replace: such a patch would silently do nothing."""
    getattr(owner, name)
    setattr(owner, name, replacement)
