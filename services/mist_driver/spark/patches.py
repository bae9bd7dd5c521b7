"""Jobs share one Spark context, and pyspark's globals with it. Here each job is shown its own session instead.

Without this, `RDD.toDF` and `SparkSession.getActiveSession` would hand one job the session another made last, and
`spark.stop()`, which many a script ends with, would end every job of the driver.
"""

import sys
from typing import TYPE_CHECKING, Any

from mist_driver.run.interrupt import JobInterrupted
from mist_driver.run.run import CURRENT

if TYPE_CHECKING:
    from pyspark import RDD
    from pyspark.sql import DataFrame, SparkSession


def show_each_job_its_own(root: "SparkSession") -> None:
    """Patch pyspark's classes; `root` is the session of code that belongs to no job."""
    from pyspark import RDD, SparkContext  # noqa: PLC0415 (pyspark is loaded by whoever has a session)
    from pyspark.sql import SparkSession, context, session  # noqa: PLC0415

    def current() -> "SparkSession":
        run = CURRENT.get()
        return root if run is None or run.context is None else run.context.session

    def rdd_to_df(self: "RDD[Any]", schema: Any = None, sampleRatio: float | None = None) -> "DataFrame":  # noqa: N803
        return current().createDataFrame(self, schema, sampleRatio)

    create_remote = SparkSession.Builder.getOrCreate

    def get_or_create(self: Any) -> "SparkSession":
        if "spark.remote" in self._options:
            return create_remote(self)
        for key, value in self._options.items():
            if current().conf.isModifiable(key):
                current().conf.set(key, value)
        return current()

    def get_context(conf: Any = None) -> SparkContext:  # noqa: ARG001 (its settings cannot be changed any more)
        return current().sparkContext

    replace: Any = setattr
    for module in (session, context):
        replace(module, "_monkey_patch_RDD", lambda _: None)
    replace(RDD, "toDF", rdd_to_df)
    replace(SparkSession.Builder, "getOrCreate", get_or_create)
    replace(SparkSession, "getActiveSession", staticmethod(current))
    replace(SparkSession, "active", staticmethod(current))
    replace(SparkSession, "stop", _not_stopped)
    replace(SparkContext, "getOrCreate", staticmethod(get_context))
    replace(SparkContext, "stop", _not_stopped)


def _not_stopped(_: object) -> None:
    sys.stderr.write("stop() changes nothing here: Mist keeps this Spark for other jobs.\n")


def raise_cancels() -> None:
    """Patch py4j, and have pyspark put its own handling of errors around that again."""
    from py4j import protocol  # noqa: PLC0415 (loaded with pyspark)
    from pyspark.errors.exceptions.captured import install_exception_handler  # noqa: PLC0415

    original = protocol.get_return_value

    def get_return_value(answer: Any, gateway_client: Any, target_id: Any = None, name: Any = None) -> Any:
        try:
            return original(answer, gateway_client, target_id, name)
        except protocol.Py4JJavaError as error:
            run = CURRENT.get()
            if run is not None and run.cancel_requested and run.worker is not None and run.worker.tag in str(error):
                run.disturbed = True
                raise JobInterrupted from error
            raise

    protocol.get_return_value = get_return_value
    install_exception_handler()
