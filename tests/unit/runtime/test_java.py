"""The choice of a Java for Kafka and Spark."""

import subprocess
from pathlib import Path

import pytest

from mist_runtime.java import Java, JavaNotFoundError, find_java, spark_java_home


def fake_java(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    properties = {"java.home": home, "java.vendor": "Some Body", "java.version": version}
    script = "".join(["#!/bin/sh\n", *(f"echo '    {name} = {value}' >&2\n" for name, value in properties.items())])
    (home / "bin" / "java").write_text(script)
    (home / "bin" / "java").chmod(0o755)
    return home


def without_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)


def test_java_home_comes_first(tmp_path: Path) -> None:
    chosen, other = fake_java(tmp_path / "chosen", "21.0.1"), fake_java(tmp_path / "other", "17.0.2")
    found = find_java({"JAVA_HOME": str(chosen), "PATH": str(other / "bin")})
    assert (found.home, found.version, found.vendor) == (chosen, "21.0.1", "Some Body")


def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    old, new = fake_java(tmp_path / "old", "1.8.0_362"), fake_java(tmp_path / "new", "17-ea")
    assert find_java({"JAVA_HOME": str(old), "PATH": str(new / "bin")}).home == new


def test_the_bundled_java_is_the_last_resort() -> None:
    found = find_java({"PATH": ""})
    assert found.bundled
    assert found.program.exists()


def test_without_a_java_the_error_names_what_was_found_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fake_java(tmp_path / "old", "11.0.2")
    without_bundled(monkeypatch)
    with pytest.raises(
        JavaNotFoundError, match=r"no Java 17 or newer was found \(.*/old/bin/java is version 11.0.2\): install"
    ):
        find_java({"JAVA_HOME": str(old)})


def test_spark_gets_the_machines_java_as_it_is(tmp_path: Path) -> None:
    assert spark_java_home(Java(home=tmp_path, version="17.0.1")) == tmp_path


def test_spark_gets_the_bundled_java_without_the_module_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIST_CACHE", str(tmp_path / "cache"))
    (tmp_path / "it's" / "bin").mkdir(parents=True)
    java = Java(home=tmp_path / "it's", version="25.0.2", bundled=True)
    java.program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    java.program.chmod(0o755)
    home = spark_java_home(java)
    command: list[str | Path] = [home / "bin" / "java", "-Xmx1g", "--add-modules=jdk.incubator.vector", "a b", ""]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "-Xmx1g\na b\n\n"
    assert spark_java_home(java) == home
    assert [path.name for path in home.parent.iterdir()] == [home.name]
