"""The first job to try: multiplies numbers on Spark."""

from pyspark.sql import SparkSession


def simple_context(spark: SparkSession, numbers: list[int], multiplier: int = 2):
    products = spark.sparkContext.parallelize(numbers).map(lambda number: number * multiplier)
    return {"result": products.collect()}
