"""Jobs that are no Python: SQL files, and jars that are compiled here."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.driver_process import DriverProcess, eventually
from support.jars import compiled
from support.paths import JOBS

PEOPLE = f"{JOBS / 'people.sql'}:sql"


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DriverProcess]:
    one = DriverProcess(tmp_path_factory.mktemp("driver"))
    try:
        one.ready()
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("jar"), "first")


def test_a_sql_file_gets_its_parameters_as_values(driver: DriverProcess) -> None:
    found = driver.result(PEOPLE, least=40, not_this="Bob")
    row = {"name": "Cy", "age": 50, "exact": 50.0, "day": "2026-01-02", "inner": {"n": None}}
    assert found == {"result": [row]}
    assert len(driver.result(PEOPLE, least=0, not_this="x' or name = 'Ann")["result"]) == 3


def test_a_sql_parameter_that_is_missing_is_named(driver: DriverProcess) -> None:
    assert driver.failure(PEOPLE, least=1)["error"] == 'ArgumentsError: "not_this" is missing: a value is needed'


def test_a_long_sql_result_is_cut_and_says_so(driver: DriverProcess, tmp_path: Path) -> None:
    file = tmp_path / "long.sql"
    file.write_text("select id from range(100)")
    found = driver.result(f"{file}:sql")
    assert [row["id"] for row in found["result"]] == [0, 1, 2, 3, 4]
    assert found["cut"] == "there are more rows; the first 5 are here"


def test_a_statement_without_rows_has_an_empty_result(driver: DriverProcess, tmp_path: Path) -> None:
    file = tmp_path / "view.sql"
    file.write_text("create temporary view v as select 1;")
    assert driver.result(f"{file}:sql") == {"result": []}


def test_a_static_method_gets_session_and_arguments(driver: DriverProcess, jar: Path) -> None:
    assert driver.result(f"{jar}:jobs.Job", numbers=[1, 2]) == {"result": [2, 4], "version": "first"}


def test_two_versions_of_a_jar_keep_apart(driver: DriverProcess, jar: Path, tmp_path: Path) -> None:
    other = compiled(tmp_path, "second")
    assert driver.result(f"{other}:jobs.Job", numbers=[])["version"] == "second"
    assert driver.result(f"{jar}:jobs.Job", numbers=[])["version"] == "first"


def test_one_of_several_methods_is_named(driver: DriverProcess, jar: Path) -> None:
    assert driver.result(f"{jar}:jobs.Several#two") == {"two": 2}
    assert "several methods of (SparkSession, Map): one, two" in driver.failure(f"{jar}:jobs.Several")["error"]


def test_main_gets_its_words(driver: DriverProcess, jar: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert driver.result(f"{jar}:jobs.Main", args=[str(out), "two"]) == {}
    assert out.read_text() == f"{out} two3"


def test_what_java_throws_is_the_jobs_failure(driver: DriverProcess, jar: Path) -> None:
    job = driver.start(f"{jar}:jobs.Main", args=["fail"])
    assert driver.end(job)["error"] == "java.lang.IllegalStateException: no fail"
    assert any("at jobs.Main.main" in text for _, text in driver.log(job))


def test_a_class_that_is_not_there_is_named(driver: DriverProcess, jar: Path) -> None:
    assert "job.jar has no class jobs.Nobody" in driver.failure(f"{jar}:jobs.Nobody")["error"]
    assert "neither a public static method" in driver.failure(f"{jar}:jobs.Version")["error"]


def test_cancelling_java_stops_its_spark_work(driver: DriverProcess, jar: Path) -> None:
    job = driver.start(f"{jar}:jobs.Main", args=["rest"])
    busy = f"{JOBS.parent / 'e2e/jobs/small.py'}:busy_stages"
    eventually("its Spark job runs", lambda: driver.result(busy)["active"] == 1)
    began = time.monotonic()
    driver.cancel(job)
    assert driver.end(job)["type"] == "canceled"
    assert time.monotonic() - began < 3.0, json.dumps(driver.lines[-1])
    eventually("its Spark job has stopped", lambda: driver.result(busy)["active"] == 0)
