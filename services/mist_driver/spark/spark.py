"""The driver's one Spark context and its JVM. Starting it takes seconds; whoever needs it waits for `ready`."""

import os
import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from mist_driver.spark.patches import raise_cancels, show_each_job_its_own
from mist_driver.spark.settings import prepare_environment, spark_settings
from mist_driver.spark.spare_session import SpareSession
from mist_runtime.java import find_java, spark_java_home

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

JVM_DIED = 70
CONTEXT_STOPPED = 71
UNUSABLE = 72
BROKEN = 73
WARM_ROUNDS = 3
HIVE = "spark.sql.catalogImplementation"


def leave(code: int, last_line: str) -> NoReturn:
    """End this process at once; its last line says why."""
    print(last_line, file=sys.__stderr__, flush=True)
    os._exit(code)


class Spark:
    """The Spark of this driver. `context` and `root` exist once `ready` is set."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.gone = threading.Event()
        self.context: SparkContext
        self.root: SparkSession
        self._spare: SpareSession
        self._hive: SparkSession | None = None
        self._making_hive = threading.Lock()
        self._process: Any = None
        self._stopping = False

    def start(self, conf: Mapping[str, object], worker_id: str) -> None:
        """Make the session. Raises `JavaNotFoundError`, or whatever Spark raises when it cannot."""
        settings = spark_settings(conf, worker_id, os.environ.get("TMPDIR"))
        prepare_environment(settings)
        os.environ["JAVA_HOME"] = str(spark_java_home(find_java()))
        from pyspark.sql import SparkSession  # noqa: PLC0415 (a second of CPU, and the lease must run meanwhile)

        self.root = SparkSession.builder.config(map=dict(settings)).getOrCreate()
        self.context = self.root.sparkContext
        self._process = self.context._gateway.proc  # type: ignore[union-attr]
        threading.Thread(target=self._watch_jvm, name="jvm-watch", daemon=True).start()
        show_each_job_its_own(self.root)
        self._spare = SpareSession(self.root.newSession)
        raise_cancels()
        self.ready.set()

    def warm(self) -> None:
        """Do what a first job waits for: the JVM loads its classes, the executor starts its Python processes."""
        for _ in range(WARM_ROUNDS):
            self.root.sql("select 1 as one").collect()
        self.context.parallelize([1], 1).map(abs).collect()

    def _watch_jvm(self) -> None:
        code = self._process.wait()
        self.gone.set()
        if not self._stopping:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            leave(JVM_DIED, f"The driver's JVM {how}; the driver ends with it.")

    def new_session(self) -> "SparkSession":
        """A session of a job's own: its views and settings are seen by no other job of this driver."""
        return self._spare.take()

    def new_hive_session(self) -> "SparkSession":
        """The same over Hive's catalogue, which the first job that asks for it starts."""
        with self._making_hive:
            if self._hive is None:
                self._hive = self._start_hive()
        return self._hive.newSession()

    def _start_hive(self) -> "SparkSession":
        from pyspark.sql import SparkSession  # noqa: PLC0415 (loaded already, by `start`)

        if self.root.conf.get(HIVE) == "hive":
            return self.root
        jvm: Any = self.root._jvm
        options = jvm.java.util.HashMap()
        options.put(HIVE, "hive")
        session = getattr(jvm, "org.apache.spark.sql.classic.SparkSession")
        return SparkSession(self.context, session(self.context._jsc.sc(), options))

    def cancel(self, tag: str) -> None:
        """Stop the Spark work of every thread under `tag`, as soon as its tasks can be stopped."""
        self.context.cancelJobsWithTag(tag)

    def is_stopped(self) -> bool:
        return bool(self.context._jsc.sc().isStopped())

    def stop(self) -> None:
        """Stop Spark in order, so that it removes its files."""
        if self.ready.is_set():
            self._stopping = True
            self._process.stdin.close()
            self._process.wait(10)
