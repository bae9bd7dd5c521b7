"""The settings a Spark context is made with."""

from typing import Any

import pytest

from mist_driver.spark.settings import prepare_environment, spark_settings


def test_what_the_context_says_wins() -> None:
    given: dict[str, Any] = {"spark.master": "local[1]", "spark.app.name": "mine", "spark.ui.enabled": False, "x": 1}
    settings = spark_settings(given, "w")
    assert settings["spark.app.name"] == "mine"
    assert settings["spark.ui.enabled"] == "false"
    assert settings["x"] == "1"
    assert "spark.sql.shuffle.partitions" not in settings


def test_a_local_driver_listens_on_loopback_only() -> None:
    settings = spark_settings({}, "w")
    assert settings["spark.master"] == "local[*]"
    assert settings["spark.driver.host"] == settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert spark_settings({"spark.driver.bindAddress": "0.0.0.0"}, "w")["spark.driver.bindAddress"] == "0.0.0.0"
    assert "spark.driver.host" not in spark_settings({"spark.master": "spark://far:7077"}, "w")


def test_the_jvms_files_go_to_the_scratch_folder() -> None:
    settings = spark_settings({"spark.driver.extraJavaOptions": "-Dx=y"}, "w", "/scratch")
    assert settings["spark.driver.extraJavaOptions"] == "-Djava.io.tmpdir=/scratch -Dx=y"
    assert "spark.driver.extraJavaOptions" not in spark_settings({}, "w")


@pytest.mark.parametrize(
    ("conf", "environ", "sets"),
    [
        ({}, {}, {"PYSPARK_PYTHON", "SPARK_LOCAL_IP"}),
        ({}, {"TMPDIR": "/t"}, {"PYSPARK_PYTHON", "SPARK_LOCAL_IP", "SPARK_LOCAL_DIRS"}),
        ({"spark.local.dir": "/d"}, {"TMPDIR": "/t"}, {"PYSPARK_PYTHON", "SPARK_LOCAL_IP"}),
        ({"spark.pyspark.python": "p"}, {"SPARK_LOCAL_IP": "10.0.0.1"}, set()),
        ({"spark.master": "yarn"}, {"PYSPARK_PYTHON": "p"}, set()),
        ({"spark.driver.bindAddress": "0.0.0.0"}, {}, {"PYSPARK_PYTHON"}),
    ],
)
def test_the_environment_gets_what_is_not_said_elsewhere(
    conf: dict[str, str], environ: dict[str, str], sets: set[str]
) -> None:
    before = set(environ)
    prepare_environment(spark_settings(conf, "w"), environ)
    assert set(environ) - before == sets
