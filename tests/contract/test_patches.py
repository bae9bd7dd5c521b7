"""The internals of CPython, py4j and pyspark that the driver patches are still as `mist_driver.spark.patches` takes them.

A new version that fails here needs a look at the patch that the test names; the rest of the driver may still work.
"""

import ast
import ctypes
import inspect
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from py4j import protocol as py4j_protocol
from pyspark import RDD, SparkContext
from pyspark.errors.exceptions import captured
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession, context, session

from mist_driver.spark import patches


def parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def source(function: Any) -> str:
    return textwrap.dedent(inspect.getsource(function))


def names_used(function: Any) -> set[str]:
    """Names and attributes in a function's source."""
    nodes = list(ast.walk(ast.parse(source(function))))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


# CPython: `interrupt`, `forget_interrupt`, `wrap_new_threads`


def test_an_exception_can_be_raised_in_another_thread() -> None:
    """`PyThreadState_SetAsyncExc` takes the thread's ident and the class, and answers how many threads it found."""
    assert sys.implementation.name == "cpython"
    raised: list[BaseException] = []

    def loop() -> None:
        try:
            while True:
                time.sleep(0.001)
        except patches.JobInterrupted as error:
            raised.append(error)

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not raised and time.monotonic() < end:
        patches.interrupt(thread.ident or 0, __file__)
        time.sleep(0.001)
    thread.join(10)
    assert [type(error) for error in raised] == [patches.JobInterrupted]
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(0), None) == 0


def test_only_code_of_its_origin_is_interrupted() -> None:
    """`sys._current_frames` shows the innermost Python frame by thread ident."""
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, daemon=True)
    thread.start()
    assert sys._current_frames()[thread.ident or 0].f_code.co_filename == threading.__file__
    assert not patches.interrupt(thread.ident or 0, __file__)
    assert not patches.interrupt(0, __file__)
    gate.set()


def test_an_interrupt_that_was_not_delivered_can_be_taken_back() -> None:
    """A thread that waits in C gets the exception only when it is back in Python."""
    gate, ended = threading.Event(), threading.Event()

    def wait() -> None:
        gate.wait()
        ended.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    time.sleep(0.1)
    assert patches.interrupt(thread.ident or 0, threading.__file__)
    patches.forget_interrupt(thread.ident or 0)
    gate.set()
    assert ended.wait(10)


def test_a_thread_runs_the_run_that_its_start_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Thread.start` takes no arguments and calls `self.run`, also one that is set on the instance."""
    monkeypatch.setattr(threading.Thread, "start", threading.Thread.start)
    assert parameters(threading.Thread.start) == ["self"]
    seen: list[str] = []

    def wrapped(body: Callable[[], None]) -> Callable[[], None]:
        def within() -> None:
            seen.append("wrapped")
            body()

        return within

    patches.wrap_new_threads(wrapped)
    thread = threading.Thread(target=lambda: seen.append("body"))
    thread.start()
    thread.join()
    assert seen == ["wrapped", "body"]


# py4j: `raise_cancels`


def test_py4j_reads_every_answer_by_the_function_that_is_replaced() -> None:
    assert parameters(py4j_protocol.get_return_value) == ["answer", "gateway_client", "target_id", "name"]
    assert issubclass(py4j_protocol.Py4JJavaError, py4j_protocol.Py4JError)


def test_pyspark_wraps_the_function_that_it_finds_in_py4j() -> None:
    """So it wraps ours when asked again, and puts the result where py4j calls it."""
    assert parameters(captured.install_exception_handler) == []
    names = names_used(captured.install_exception_handler)
    assert {"py4j", "protocol", "get_return_value", "java_gateway", "capture_sql_exception"} <= names


def test_a_canceled_call_raises_the_interrupt_and_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    class FakeJavaError(Exception):
        pass

    def fail(answer: Any, client: Any, target_id: Any = None, name: Any = None) -> Any:
        raise FakeJavaError(answer)

    monkeypatch.setattr(py4j_protocol, "Py4JJavaError", FakeJavaError)
    monkeypatch.setattr(py4j_protocol, "get_return_value", fail)
    monkeypatch.setattr(captured, "install_exception_handler", lambda: None)
    patches.raise_cancels(lambda text: "mist-thread-1" in text)
    with pytest.raises(patches.JobInterrupted):
        py4j_protocol.get_return_value("job canceled, tag mist-thread-1", None)
    with pytest.raises(FakeJavaError):
        py4j_protocol.get_return_value("division by zero", None)


# pyspark: `show_each_job_its_own`


@pytest.mark.parametrize("module", [session, context])
def test_both_modules_hold_the_function_that_gives_rdds_a_session(module: ModuleType) -> None:
    assert parameters(module._monkey_patch_RDD) == ["sparkSession"]
    assert "toDF" in source(module._monkey_patch_RDD)


def test_a_new_session_makes_itself_that_of_rdds_by_the_modules_global() -> None:
    assert "_monkey_patch_RDD" in names_used(SparkSession.__init__)
    assert "_monkey_patch_RDD" in names_used(context.SQLContext.__init__)


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (SparkSession.Builder, "getOrCreate", ["self"]),
        (SparkSession, "getActiveSession", []),
        (SparkSession, "active", []),
        (SparkSession, "stop", ["self"]),
        (SparkContext, "getOrCreate", ["conf"]),
        (SparkContext, "stop", ["self"]),
        (RDD, "toDF", ["self", "schema", "sampleRatio"]),
    ],
)
def test_what_is_replaced_is_called_as_the_replacement(owner: type, name: str, expected: list[str]) -> None:
    assert parameters(getattr(owner, name)) == expected


def test_a_builder_keeps_its_settings_by_name() -> None:
    assert SparkSession.builder.config("spark.x", "1")._options["spark.x"] == "1"


# pyspark: what `Spark` and `JobContext` reach into


def test_the_jvm_is_a_subprocess_on_the_gateway() -> None:
    """`SparkContext._gateway.proc` is a `Popen` whose standard input ends the JVM when it is closed."""
    assert "proc" in names_used(launch_gateway)
    assert "stdin" in source(launch_gateway)
    assert {"_gateway", "_jsc", "_active_spark_context"} <= names_used(SparkContext)


def test_threads_of_jobs_have_jvm_threads_of_their_own() -> None:
    """Tags and properties are of a JVM thread: pyspark pins one to each Python thread."""
    assert "PYSPARK_PIN_THREAD" in source(launch_gateway)
    assert parameters(SparkContext.addJobTag) == ["self", "tag"]
    assert parameters(SparkContext.cancelJobsWithTag)[:2] == ["self", "tag"]


def test_a_patch_of_something_that_is_gone_fails_loudly() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        patches._replace(SparkSession, "no_such_name", None)
