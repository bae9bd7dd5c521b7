"""Settings of a Spark context: the context's own, and Mist's defaults for the rest."""

import os
import sys
from collections.abc import Mapping, MutableMapping

Settings = dict[str, str]

LOOPBACK = "127.0.0.1"


def spark_settings(conf: Mapping[str, object], worker_id: str, scratch: str | None = None) -> Settings:
    """Spark's settings as text. A local master is reached by nobody else, so it listens on loopback only.

    `scratch` is the folder for the JVM's temporary files, which whoever started the driver can remove later.
    """
    given = {key: _text(value) for key, value in conf.items()}
    settings = {
        "spark.master": "local[*]",
        "spark.app.name": f"mist {worker_id}",
        "spark.ui.port": "0",
        "spark.ui.showConsoleProgress": "false",
    } | given
    if settings["spark.master"].startswith("local"):
        settings = {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK} | settings
    if scratch:
        options = settings.get("spark.driver.extraJavaOptions", "")
        settings["spark.driver.extraJavaOptions"] = f"-Djava.io.tmpdir={scratch} {options}".strip()
    return settings


def prepare_environment(settings: Mapping[str, str], environ: MutableMapping[str, str] = os.environ) -> None:
    """Set what Spark reads from the environment: the Python of its workers, its folder, the address of its page."""
    if "TMPDIR" in environ and "spark.local.dir" not in settings:
        environ.setdefault("SPARK_LOCAL_DIRS", environ["TMPDIR"])
    if "spark.pyspark.python" not in settings:
        environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if settings["spark.master"].startswith("local") and settings["spark.driver.bindAddress"] == LOOPBACK:
        environ.setdefault("SPARK_LOCAL_IP", LOOPBACK)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
