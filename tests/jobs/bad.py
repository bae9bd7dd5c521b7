"""Jobs that do what no job should do."""

# mypy: ignore-errors

import logging
import os
import signal
import sys
import threading
import time

from pyspark import SparkContext


def raises():
    try:
        deeper()
    except KeyError as error:
        raise ValueError("no good") from error


def deeper():
    return {}["missing"]


def raises_in_task(spark):
    return spark.sparkContext.parallelize([1], 1).map(lambda n: n / 0).collect()


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def raises_unprintable():
    raise Unprintable


def raises_at_length():
    raise ValueError("ä" * 100_000)


def exits():
    sys.exit(3)


def interrupts():
    raise KeyboardInterrupt


def exits_for_real():
    os._exit(9)


def kills_its_jvm(spark):
    os.kill(SparkContext._gateway.proc.pid, signal.SIGKILL)
    return spark.range(10).count()


def stops_the_context_for_good(spark):
    spark.sparkContext._jsc.stop()
    return spark.range(10).count()


def unserialisable():
    return {"a": [object()]}


def not_a_number():
    return {"x": float("nan")}


def holds_itself():
    loop = {}
    loop["loop"] = loop
    return loop


def too_deep(depth: int = 150):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def lone_surrogate():
    return "\ud800"


def large(size: int = 2_000_000):
    return "x" * size


def loops():
    while True:
        time.sleep(0.001)


def stubborn(seconds: float = 6.0):
    """Keeps what is raised in it, as a bare `except` does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                time.sleep(0.001)
        except BaseException:
            logging.info("kept")
    return {}


def waits_for_ever():
    threading.Event().wait()


def sleeps(seconds: float):
    time.sleep(seconds)
    return {"slept": seconds}


def ticks(spark, path: str):
    """A task that leaves a mark while it runs."""

    def mark(_):
        while True:
            with open(path, "a") as file:
                file.write(".")
            time.sleep(0.05)

    return spark.sparkContext.parallelize([1], 1).map(mark).collect()


def ticks_in_threads(spark, paths: list[str]):
    threads = [threading.Thread(target=ticks, args=(spark, path)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {}


def ticks_again(spark, path: str):
    """Answers a failed action with the next."""
    while True:
        try:
            ticks(spark, path)
        except Exception:
            pass


def forks(leave: bool = False):
    """A child that outlives its job, and prints; it may leave the driver's session, as daemons do."""
    child = os.fork()
    if child == 0:
        if leave:
            os.setsid()
        print("printed by a forked child", flush=True)
        time.sleep(60)
        os._exit(0)
    return {"child": child}
