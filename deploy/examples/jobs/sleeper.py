"""Sleeps inside a Spark task, a tenth of a second at a time, so that cancelling it stops real work."""

import time

from pyspark.sql import SparkSession

STEP = 0.1


def sleeper(spark: SparkSession, seconds: float):
    print(f"sleeping for {seconds} seconds")
    slept = spark.sparkContext.parallelize([seconds], 1).map(sleep_in_steps).sum()
    return {"slept": slept}


def sleep_in_steps(seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, STEP))
    return seconds
