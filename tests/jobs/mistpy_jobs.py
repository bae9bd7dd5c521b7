"""Functions under mistpy's decorators, as its documentation has them."""

# mypy: ignore-errors

from mistpy.decorators import *


@with_args(
    arg("numbers", type_hint=list_type(int)),
    arg("multiplier", type_hint=int, default=2),
    opt_arg("label", type_hint=str),
)
@on_spark_context
def simple_context(sc, numbers, multiplier, label):
    return {"result": sc.parallelize(numbers).map(lambda s: multiplier * s).collect(), "label": label}


@on_spark_session
@with_args(arg("first", type_hint=int), arg("second", type_hint=int, default=5))
def session_outside(spark, first, second):
    return {"sum": spark.range(first, second).count()}


@on_hive_session
def hive(spark):
    return {"catalog": spark.conf.get("spark.sql.catalogImplementation")}


@on_sql_context
def sql(sql_context):
    return {"one": sql_context.sql("select 1 as one").first().one}


@on_streaming_context
def streaming(ssc):
    return {}
