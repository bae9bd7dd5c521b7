"""Programs from PyPI, each in an environment of its own, made once for this user."""

import shutil
import subprocess
import sys
from pathlib import Path

from mist_runtime.cache import cache_folder, locked


def installed(package: str, version: str, program: str) -> Path:
    """The program of that very release. `RuntimeError` says how its installation failed."""
    place = cache_folder() / "published" / f"{package}-{version}-py{sys.version_info[0]}.{sys.version_info[1]}"
    with locked(place.parent / f"{place.name}.lock"):
        if not (place / "done").exists():
            shutil.rmtree(place, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(place))
            _run(str(place / "bin/python"), "-m", "pip", "install", "--quiet", f"{package}=={version}")
            (place / "done").touch()
    return place / "bin" / program


def _run(*command: str) -> None:
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)} failed; these tests need PyPI.\n{ended.stdout}{ended.stderr}")
