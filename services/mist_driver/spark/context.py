"""The Spark of one job. Made for every job; it asks nothing of the JVM before the job touches it."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mist_driver.spark.spark import Spark

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession, SQLContext


_THREAD = threading.local()


def begin_job(spark: Spark, tag: str, description: str) -> None:
    """Ready the calling thread of the pool for its next job: its tag, its properties as they were, a name on Spark's pages.

    The thread's twin in the JVM keeps the tag for ever, by which its Spark work can be stopped. What the job before set
    on the thread is forgotten.
    """
    context: Any = spark.context._jsc.sc()
    if not hasattr(_THREAD, "properties"):
        mark_thread(spark, tag)
        _THREAD.properties = context.getLocalProperties().clone()
    context.setLocalProperties(_THREAD.properties.clone())
    context.setJobDescription(description)


def mark_thread(spark: Spark, tag: str) -> None:
    """Put the calling thread's Spark work under `tag`; tasks that wait are interrupted when it is stopped."""
    spark.context.addJobTag(tag)
    spark.context.setInterruptOnCancel(True)


class JobContext:
    """The argument of a job's `setup`. Its names are those of the original Mist's, which old job classes know.

    `begin` readies the job's own thread for Spark; `publish` gets each text that the job publishes.
    """

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

    def uses_spark(self) -> bool:
        """True once the job has touched Spark."""
        return bool(self._marked)

    def adopt_thread(self) -> None:
        """Put a thread that the job started under the job's tag, if the job uses Spark at all."""
        if self.uses_spark():
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
    """Publishes texts as lines of the job's log. The original Mist published on MQTT or Kafka."""

    def __init__(self, publish: Callable[[str], None]) -> None:
        self._publish = publish

    def publish(self, text: object) -> None:
        self._publish(str(text))


def _sql_context(session: "SparkSession") -> "SQLContext":
    from pyspark.sql import SQLContext

    return SQLContext(session.sparkContext, session)
