"""Try each supported Python that is on this machine; say which are not. An absent one is no failure.

Always: compile every source with warnings as errors, and import every module that needs no dependency.
With --install: set up a throw-away environment from requirements.lock and run the fast tests in it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
SOURCES = ("libs", "services", "tests")
DEPENDENCY_FREE = ("libs/mist_domain", "services/mist_worker_host/core")
FAST_TESTS = ("tests/unit", "tests/contract")
MANAGED = ("~/.pyenv/versions", "~/.local/share/uv/python")
IMPORT_ALL = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"


def main() -> int:
    """Try every supported version; the number of those that failed."""
    failed = [version for version in SUPPORTED if not try_version(version, install="--install" in sys.argv[1:])]
    if failed:
        print(f"failed with Python {', '.join(failed)}")
    return len(failed)


def try_version(version: str, *, install: bool) -> bool:
    """Report on one version. True when it passed or is absent."""
    python = find_python(version)
    if python is None:
        print(f"Python {version}: not on this machine, not tried", flush=True)
        return True
    with tempfile.TemporaryDirectory(prefix="mist-python-") as folder:
        steps = {"sources": compiles, "pure modules": imports} | ({"fast tests": passes_fast_tests} if install else {})
        results = {name: step(python, Path(folder)) for name, step in steps.items()}
    words = [f"{name} {'pass' if passed else 'FAIL'}" for name, passed in results.items()]
    untried = [] if install else ["fast tests not run (make pythons ARGS=--install)"]
    print(f"Python {version} ({python}): {', '.join([*words, *untried])}", flush=True)
    return all(results.values())


def find_python(version: str) -> str | None:
    """The first interpreter of that version that runs: from PATH, pyenv or uv."""
    managed = (
        path for folder in MANAGED for path in Path(folder).expanduser().glob(f"*{version}.*/bin/python{version}")
    )
    candidates = [shutil.which(f"python{version}"), *map(str, managed)]
    return next((path for path in candidates if path and is_version(path, version)), None)


def is_version(python: str, version: str) -> bool:
    ask = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(ask, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == version


def compiles(python: str, folder: Path) -> bool:
    return run([python, "-W", "error", "-m", "compileall", "-q", "-f", *SOURCES], folder)


def imports(python: str, folder: Path) -> bool:
    return run([python, "-W", "error", "-c", IMPORT_ALL, *dependency_free_modules()], folder)


def dependency_free_modules() -> list[str]:
    """The dotted names of all modules that import the standard library and each other only."""
    files = [file for path in DEPENDENCY_FREE for file in sources_in(ROOT / path)]
    return [".".join(file.relative_to(ROOT).with_suffix("").parts[1:]).removesuffix(".__init__") for file in files]


def sources_in(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.rglob("*.py"))
    return [path] if path.exists() else []


def passes_fast_tests(python: str, folder: Path) -> bool:
    """True when the fast tests pass in an environment made for this interpreter alone."""
    own = str(folder / "venv/bin/python")
    uv = [str(ROOT / ".venv/bin/uv")]
    return all(
        run(command, folder)
        for command in (
            [*uv, "venv", "--quiet", "--python", python, str(folder / "venv")],
            [*uv, "pip", "install", "--quiet", "--python", own, "--require-hashes", "-r", "requirements.lock"],
            [*uv, "pip", "install", "--quiet", "--python", own, "--no-deps", "--no-build-isolation", "--editable", "."],
            [own, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FAST_TESTS],
        )
    )


def run(command: list[str], folder: Path) -> bool:
    environment = {**os.environ, "PYTHONPATH": "libs:services", "PYTHONPYCACHEPREFIX": str(folder / "cache")}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
