"""Seattle's weather by year: a CSV file read with Spark, aggregated, returned as rows.

The file ships with the package `vega_datasets`, which is found but not imported (it would load pandas).
"""

from importlib.util import find_spec
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

SCHEMA = "date string, precipitation double, temp_max double, temp_min double, wind double, weather string"


def weather(spark: SparkSession, kind: str | None = None, min_wind: float = 0.0):
    days = spark.read.csv(seattle_weather(), schema=SCHEMA, header=True).where(f.col("wind") >= min_wind)
    if kind is not None:
        days = days.where(f.col("weather") == kind)
    years = (
        days.groupBy(f.year(f.to_date("date", "yyyy/MM/dd")).alias("year"))
        .agg(
            f.count("*").alias("days"),
            f.round(f.sum("precipitation"), 1).alias("precipitation"),
            f.max("temp_max").alias("warmest"),
            f.min("temp_min").alias("coldest"),
        )
        .orderBy("year")
    )
    return {"rows": [row.asDict() for row in years.collect()]}


def seattle_weather() -> str:
    package = find_spec("vega_datasets")
    if package is None or package.origin is None:
        raise RuntimeError("this example needs its data: pip install vega_datasets")
    return str(Path(package.origin).parent / "_data" / "seattle-weather.csv")
