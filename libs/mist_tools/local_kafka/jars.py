"""Kafka's jars: fetched once into the user's cache by the Ivy that pyspark ships, and held to their checksums.

Ivy is told every jar, so it resolves nothing and reads no pom; what arrives is checked here, not there.
"""

import hashlib
import importlib.util
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mist_runtime.cache import cache_folder, locked
from mist_runtime.java import Java
from mist_runtime.leash import Leashed
from mist_tools.local_kafka.server_properties import LocalKafkaError

KAFKA = "kafka_2.13"
NEEDED_BYTES = 200_000_000
FETCH_SECONDS = 900.0
_LIST = Path(__file__).with_name("jars.sha256")
_IVY_SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <resolvers><ibiblio name="central" m2compatible="true" usepoms="false" checksums=""/></resolvers>
</ivysettings>
"""

Progress = Callable[[int, int, float], None]
"""Called with the jars that are there, how many are wanted, and the seconds it took so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    sha256: str
    group: str
    artifact: str
    version: str

    @property
    def file(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


@cache
def pinned_jars() -> tuple[Jar, ...]:
    rows = [line.split() for line in _LIST.read_text().splitlines() if not line.startswith("#")]
    return tuple(_jar(checksum, *coordinates.split(":")) for checksum, coordinates in rows)


@cache
def kafka_version() -> str:
    return next(jar.version for jar in pinned_jars() if jar.artifact == KAFKA)


def kafka_jars(java: Java, progress: Progress) -> Path:
    """The folder of the jars, fetched first if they are missing or damaged. Raises `LocalKafkaError`."""
    name = f"kafka-{kafka_version()}-{hashlib.sha256(_LIST.read_bytes()).hexdigest()[:8]}"
    folder = cache_folder() / name
    if not wrong_jars(folder):
        return folder
    try:
        with locked(cache_folder() / f"{name}.lock"):
            if wrong_jars(folder):
                _replace(folder, java, progress)
    except OSError as error:
        raise LocalKafkaError(
            f"Kafka's jars cannot be kept in {cache_folder()}: {error}; set MIST_CACHE to a folder"
        ) from error
    return folder


def wrong_jars(folder: Path) -> list[str]:
    """The jars that are missing from the folder, or are not what the list says."""
    return [jar.file for jar in pinned_jars() if _checksum(folder / jar.file) != jar.sha256]


def _jar(sha256: str, group: str, artifact: str, version: str) -> Jar:
    return Jar(sha256=sha256, group=group, artifact=artifact, version=version)


def _checksum(file: Path) -> str | None:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _replace(folder: Path, java: Java, progress: Progress) -> None:
    """Fetch beside the folder, then rename: nobody ever sees half of it."""
    free = shutil.disk_usage(folder.parent).free
    if free < NEEDED_BYTES:
        raise LocalKafkaError(
            f"Kafka's jars need {NEEDED_BYTES // 10**6} MB in {folder.parent}, which has {free // 10**6} MB"
        )
    for left_behind in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{folder.name}.part-", dir=folder.parent) as part:
        fetched = _fetch(Path(part), java, progress)
        if folder.exists():
            folder.rename(Path(part) / "damaged")
        fetched.rename(folder)


def _fetch(part: Path, java: Java, progress: Progress) -> Path:
    (part / "settings.xml").write_text(_IVY_SETTINGS)
    (part / "ivy.xml").write_text(_ivy_module())
    with (part / "ivy.log").open("wb") as log:
        _wait(Leashed(_command(part, java), output=log), part, progress)
    wrong = wrong_jars(part / "jars")
    if wrong:
        raise LocalKafkaError(_complaint(wrong, part / "jars", (part / "ivy.log").read_text(errors="replace")))
    return part / "jars"


def _command(part: Path, java: Java) -> list[str | Path]:
    return [
        *(java.program, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-jar", _ivy()),
        *("-settings", part / "settings.xml", "-ivy", part / "ivy.xml", "-cache", part / "cache"),
        *("-confs", "default", "-retrieve", f"{part}/jars/[artifact]-[revision].[ext]"),
    ]


def _ivy() -> Path:
    pyspark = importlib.util.find_spec("pyspark")
    jars = [jar for folder in (pyspark and pyspark.submodule_search_locations) or [] for jar in _ivy_jars(folder)]
    if not jars:
        raise LocalKafkaError(
            "Kafka's jars are fetched by the Ivy inside pyspark, which is not installed: install pyspark 4"
        )
    return jars[0]


def _ivy_jars(pyspark: str) -> list[Path]:
    return sorted(Path(pyspark, "jars").glob("ivy-*.jar"))


def _ivy_module() -> str:
    wanted = "".join(
        f'<dependency org="{jar.group}" name="{jar.artifact}" rev="{jar.version}" transitive="false"/>\n'
        for jar in pinned_jars()
    )
    return (
        '<ivy-module version="2.0"><info organisation="mist" module="local-kafka"/>\n'
        f"<dependencies>\n{wanted}</dependencies></ivy-module>\n"
    )


def _wait(ivy: Leashed, part: Path, progress: Progress) -> None:
    """Show how far it is until it has ended. It does not outlive an interrupt of ours."""
    start, wanted = time.monotonic(), len(pinned_jars())
    try:
        while ivy.exit_code() is None:
            seconds = time.monotonic() - start
            progress(min(_count(part / "cache"), wanted - 1), wanted, seconds)
            if seconds > FETCH_SECONDS:
                raise LocalKafkaError(
                    f"Kafka's jars did not arrive in {FETCH_SECONDS:.0f} s: try again on a faster network"
                )
            time.sleep(0.2)
    finally:
        ivy.kill()
    progress(_count(part / "jars"), wanted, time.monotonic() - start)


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*.jar"))


def _complaint(wrong: list[str], jars: Path, log: str) -> str:
    altered = [file for file in wrong if (jars / file).exists()]
    if altered:
        return f"Kafka's jars are not what they should be, by their checksums: {', '.join(altered)}; they were dropped"
    hints = [line.strip() for line in log.splitlines() if "Exception" in line or "ERROR" in line or "not found" in line]
    reason = f" ({hints[0]})" if hints else ""
    return (
        f"{len(wrong)} of Kafka's {len(pinned_jars())} jars could not be fetched from Maven Central{reason}: "
        "connect this machine to the network once and try again"
    )
