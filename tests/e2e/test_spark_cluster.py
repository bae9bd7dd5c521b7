"""A context on a real Spark standalone cluster: master and worker from the pyspark installation, on loopback."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pyspark
import pytest

from mist_runtime.java import find_java, spark_java_home
from support.artifacts import archive, define, upload
from support.client import Client
from support.stack import free_port, wait_until

DEPLOY = "org.apache.spark.deploy"
WHERE = """
import os

def where(sc):
    def place(_):
        import os
        return os.getppid(), os.getpid()
    return {"driver": os.getpid(), "executors": sc.parallelize(range(2), 2).map(place).collect()}
"""


@contextmanager
def spark_class(log: Path, *arguments: str) -> Iterator[None]:
    """A process of Spark's, ended with its whole group."""
    home = Path(pyspark.__file__).parent
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(spark_java_home(find_java())),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(home / "bin/spark-class"), *arguments],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL, once a worker has registered."""
    folder = tmp_path_factory.mktemp("spark")
    port, page = free_port(), free_port()
    url = f"spark://127.0.0.1:{port}"
    at = ("--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page))
    worker = ("--cores", "2", "--memory", "2g", "--webui-port", "0", "--work-dir", str(folder / "work"), url)
    with (
        spark_class(folder / "master.log", f"{DEPLOY}.master.Master", *at),
        spark_class(folder / "worker.log", f"{DEPLOY}.worker.Worker", "--host", "127.0.0.1", *worker),
    ):
        wait_until("a worker has registered", lambda: _workers(page) == 1, 60)
        yield url


def _workers(page: int) -> int:
    try:
        return int(httpx.get(f"http://127.0.0.1:{page}/json/").json()["aliveworkers"])
    except (httpx.HTTPError, ValueError):
        return 0


@pytest.fixture(scope="module")
def context(mist: Client, master: str) -> Iterator[str]:
    name = f"cluster-{uuid.uuid4().hex[:8]}"
    conf = {
        "spark.master": master,
        "spark.driver.host": "127.0.0.1",
        "spark.executor.memory": "512m",
        "spark.cores.max": "2",
    }
    body = {"name": name, "sparkConf": conf}
    assert mist.http.post("/v2/api/contexts", json=body).status_code == httpx.codes.OK
    yield name
    mist.http.delete(f"/v2/api/workers/{name}")


def test_a_job_s_work_is_done_by_the_cluster_s_executors(mist: Client, context: str) -> None:
    name = f"where-{uuid.uuid4().hex[:8]}.py"
    upload(mist, name, WHERE.encode())
    job = mist.run(define(mist, path=name, className="where"), context=context)
    assert job["status"] == "finished", job
    result = job["jobResult"]
    assert result["driver"] not in [pid for pids in result["executors"] for pid in pids]
    assert len(result["executors"]) == 2


def test_an_archive_s_own_modules_are_there_on_the_executors(mist: Client, context: str) -> None:
    name = f"parts-{uuid.uuid4().hex[:8]}.zip"
    upload(mist, name, archive(3))
    job = mist.run(define(mist, path=name, className="entry.jobs.work"), {"numbers": [1, 2]}, context=context)
    assert job["jobResult"] == {"result": [3, 6], "here": 3}


def test_cancelling_stops_the_work_on_the_cluster(mist: Client, context: str) -> None:
    job_id = mist.start("sleeper", {"seconds": 120}, context=context)
    mist.reached(job_id, "started")
    mist.cancel(job_id)
    assert mist.ended(job_id)["status"] == "canceled"
    assert mist.run("simple-context", {"numbers": [1]}, context=context)["jobResult"] == {"result": [2]}
