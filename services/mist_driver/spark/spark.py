"""The driver's one Spark context and its JVM. Starting it takes seconds; callers that need it wait for `ready`."""

import os
import threading
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from mist_driver.lifeline import JVM_DIED, leave
from mist_driver.spark.settings import prepare_environment, spark_settings
from mist_runtime.java import find_java, spark_java_home

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

WARM_ROUNDS = 3
HIVE = "spark.sql.catalogImplementation"


class SpareSession:
    """One session made ahead, so that a job does not wait for its own: 2 ms when the JVM is cold.

    `make` makes a session. It is called in a thread of its own, and by `get` when none is ready.
    """

    def __init__(self, make: Callable[[], "SparkSession"]) -> None:
        self._make = make
        self._ready: SimpleQueue[SparkSession] = SimpleQueue()
        self._wanted = threading.Semaphore(1)
        threading.Thread(target=self._keep_one, name="spare-session", daemon=True).start()

    def get(self) -> "SparkSession":
        """A session that nobody else has. Any thread may ask. Raises what `make` raises."""
        try:
            session = self._ready.get_nowait()
        except Empty:
            return self._make()
        self._wanted.release()
        return session

    def _keep_one(self) -> None:
        while self._wanted.acquire():
            try:
                self._ready.put(self._make())
            except Exception:  # noqa: BLE001 (the thread ends; the next `get` meets the error itself)
                return


class Spark:
    """`context` and `root` exist once `ready` is set. `patch(root)` is called just before that.

    `gone` is set when the JVM has died.
    """

    def __init__(self, patch: "Callable[[SparkSession], None]") -> None:
        self._patch = patch
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
        """Make the root session. Raises `JavaNotFoundError`, or whatever Spark raises when it cannot."""
        settings = spark_settings(conf, worker_id, os.environ.get("TMPDIR"))
        prepare_environment(settings)
        os.environ["JAVA_HOME"] = str(spark_java_home(find_java()))
        from pyspark.sql import SparkSession  # a second of CPU: the lease must run meanwhile

        self.root = SparkSession.builder.config(map=dict(settings)).getOrCreate()
        self.context = self.root.sparkContext
        gateway: Any = self.context._gateway  # the JVM as a subprocess: pyspark has no public name for it
        self._process = gateway.proc
        threading.Thread(target=self._watch_jvm, name="jvm-watch", daemon=True).start()
        self._patch(self.root)
        self._spare = SpareSession(self.root.newSession)
        self.ready.set()

    def warm(self) -> None:
        """Spare the first job a wait: the JVM loads its classes, the executor starts its Python processes."""
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
        """A session for one job: no other job of this driver sees its views and settings."""
        return self._spare.get()

    def new_hive_session(self) -> "SparkSession":
        """A session over Hive's catalogue, which the first job that asks for it starts."""
        with self._making_hive:
            if self._hive is None:
                self._hive = self._start_hive()
        return self._hive.newSession()

    def _start_hive(self) -> "SparkSession":
        from pyspark.sql import SparkSession

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
