"""The member `pack.jobs` of the archives that the tests make; `pack.words` differs between their versions."""

# mypy: ignore-errors

from pack import words
from pack.words import VERSION
from pyspark.sql import functions as f


def versions(spark):
    udf = f.udf(tell)
    return {
        "driver": VERSION,
        "worker": spark.sparkContext.parallelize([1]).map(tell).collect(),
        "udf": spark.range(1).select(udf("id").alias("v")).first().v,
    }


def tell(_):
    import pack.words

    assert pack.words is words
    return pack.words.VERSION
