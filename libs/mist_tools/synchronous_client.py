"""`python -m mist_tools.synchronous_client`: `mist/client/plain.py`, generated from `mist/client/aio.py`."""

import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

import mist

CLIENT = Path(mist.__file__).parent / "client"
SOURCE, TARGET = CLIENT / "aio.py", CLIENT / "plain.py"
REPLACEMENTS = {"AsyncMist": "Mist", "AsyncClient": "Client", "aclose": "close", "asyncio": "sync", "anyio": "time"}
DOCSTRING = (
    '"""The client for plain code. Generated from `aio.py` by `make generate`: change that file, not this one."""'
)


def synchronous(source: str) -> str:
    """The synchronous client's source, made from the asynchronous one's and formatted."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "asynchronous"), Path(folder, "synchronous")
        before.mkdir()
        (before / TARGET.name).write_text(f"{DOCSTRING}\n{source.partition(chr(10))[2]}")
        rule = unasync.Rule(f"{before}/", f"{after}/", REPLACEMENTS)
        unasync.unasync_files([str(before / TARGET.name)], [rule])
        text = (after / TARGET.name).read_text()
    return _ruff("format", "-", text=_ruff("check", "--select=I", "--fix", "--quiet", "-", text=text))


def _ruff(command: str, *options: str, text: str) -> str:
    name = f"--stdin-filename={TARGET}"
    words = [sys.executable, "-m", "ruff", command, name, *options]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    TARGET.write_text(synchronous(SOURCE.read_text()))
