"""Jobs that do what jobs may do."""

# mypy: ignore-errors

import asyncio
import logging
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mist import current_job
from pyspark import SparkContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

FACTOR = 3
STATE = {"calls": 0}


@dataclass
class Point:
    x: int


def noop():
    return {}


def echo(**everything):
    return everything


def given(a: int, b: int | None, c: int = 7):
    return [a, b, c]


def scale(number):
    return Point(number * FACTOR)


def by_value(spark, numbers: list[int]):
    """Functions, classes and globals of this file, used in Spark's workers."""
    points = spark.sparkContext.parallelize([Point(n) for n in numbers], 2).map(lambda p: scale(p.x)).collect()
    udf = f.udf(lambda n: n * FACTOR, "bigint")
    rows = spark.createDataFrame([(n,) for n in numbers], ["n"]).select(udf("n").alias("n")).collect()
    return {"points": [point.x for point in points], "same": type(points[0]) is Point, "udf": [row.n for row in rows]}


def counted():
    STATE["calls"] += 1
    return STATE["calls"]


def view_of(spark, value: int, seconds: float = 0.0):
    """A view of the same name in each of two jobs at once."""
    spark.sql(f"select {value} as v").createOrReplaceTempView("shared_name")
    spark.conf.set("spark.sql.shuffle.partitions", str(value))
    time.sleep(seconds)
    rdd = spark.sparkContext.parallelize([(value,)]).toDF(["v"])
    return {
        "view": spark.table("shared_name").first().v,
        "conf": spark.conf.get("spark.sql.shuffle.partitions"),
        "same_session": rdd.sparkSession is spark,
    }


def finds_spark_itself():
    spark = SparkSession.builder.appName("mine").getOrCreate()
    assert SparkSession.getActiveSession() is spark
    assert SparkContext.getOrCreate() is spark.sparkContext
    return {"count": spark.range(5).count()}


def stops_spark(spark):
    spark.stop()
    spark.sparkContext.stop()
    return {"count": spark.range(3).count()}


def describes(sc: SparkContext):
    return {"description": sc.getLocalProperty("spark.job.description"), "tags": sorted(sc.getJobTags())}


def sets_properties(sc):
    sc.setLocalProperty("mine", "1")
    sc.clearJobTags()
    return {}


def reads_property(sc):
    return {"mine": sc.getLocalProperty("mine"), "tags": sorted(sc.getJobTags())}


async def asynchronous(seconds: float):
    await asyncio.sleep(seconds)
    return "slept"


def talks():
    print("out", 1)
    print("err", file=sys.stderr)
    logging.getLogger("mine").info("logged %s", 2)
    logging.warning("two\nlines")
    sys.stdout.buffer.write(b"bytes\n")
    worker = threading.Thread(target=print, args=("from a thread",))
    worker.start()
    worker.join()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(print, "from a pool").result()
    sys.stdout.write("unfinished")
    return {}


def talks_and_waits(seconds: float):
    print("begun")
    time.sleep(seconds)
    print("done")


def many_lines(lines: int, width: int):
    for _ in range(lines):
        print("x" * width)
    return {}


def who_am_i():
    """The job and attempt as its own thread, and one that it started, see them."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(current_job()))
    thread.start()
    thread.join()
    return {"here": current_job(), "there": seen[0]}
