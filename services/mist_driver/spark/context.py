"""What one job gets of Spark. Made for every job; nothing is asked of the JVM before the job touches it."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mist_driver.spark.spark import Spark

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession, SQLContext


class SparkThread:
    """A thread as its JVM twin knows it: under one tag for ever, by which its Spark work can be stopped."""

    def __init__(self, spark: Spark, tag: str) -> None:
        self._context: Any = spark.context._jsc.sc()
        mark_thread(spark, tag)
        self._properties: Any = self._context.getLocalProperties().clone()

    def begin(self, description: str) -> None:
        """Forget what the job before has set, and name this one on Spark's pages."""
        self._context.setLocalProperties(self._properties.clone())
        self._context.setJobDescription(description)


def mark_thread(spark: Spark, tag: str) -> None:
    """Put the calling thread's Spark work under `tag`; tasks that wait are interrupted when it is stopped."""
    spark.context.addJobTag(tag)
    spark.context.setInterruptOnCancel(True)


class JobContext:
    """The names are those of the original's context wrapper, which old job classes know."""

    def __init__(self, spark: Spark, tag: str, begin: Callable[[], None], publish: Callable[[str], None]) -> None:
        self.publisher = Publisher(publish)
        self._spark = spark
        self._tag = tag
        self._begin = begin
        self._home = threading.get_ident()
        self._marked: set[int] = set()
        self._lock = threading.RLock()
        self._session: SparkSession | None = None
        self._hive_session: SparkSession | None = None

    @property
    def context(self) -> "SparkContext":
        self._mark_this_thread()
        return self._spark.context

    @property
    def session(self) -> "SparkSession":
        self._mark_this_thread()
        with self._lock:
            if self._session is None:
                self._session = self._spark.new_session()
            return self._session

    @property
    def hive_session(self) -> "SparkSession":
        self._mark_this_thread()
        with self._lock:
            if self._hive_session is None:
                self._hive_session = self._spark.new_hive_session()
            return self._hive_session

    @property
    def sql_context(self) -> "SQLContext":
        return _sql_context(self.session)

    @property
    def hive_context(self) -> "SQLContext":
        return _sql_context(self.hive_session)

    @property
    def uses_spark(self) -> bool:
        return bool(self._marked)

    def adopt_thread(self) -> None:
        """Put a thread that the job started under the job's tag, if the job uses Spark at all."""
        if self.uses_spark:
            self._mark_this_thread()

    def _mark_this_thread(self) -> None:
        thread = threading.get_ident()
        if thread not in self._marked:
            if thread == self._home:
                self._begin()
            else:
                mark_thread(self._spark, self._tag)
            self._marked.add(thread)


class Publisher:
    """The original published on MQTT or Kafka. Here what a job publishes are lines of its log."""

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish

    def publish(self, text: object) -> None:
        self._publish(str(text))


def _sql_context(session: "SparkSession") -> "SQLContext":
    from pyspark.sql import SQLContext  # noqa: PLC0415 (pyspark is loaded by whoever has a session)

    return SQLContext(session.sparkContext, session)
