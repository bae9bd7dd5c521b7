"""Generate the synchronous client, `mist/client/plain.py`, from the one for asyncio."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

CLIENT = Path(__file__).parents[2] / "libs/mist/client"
SOURCE, TARGET = CLIENT / "aio.py", CLIENT / "plain.py"
HEADER = '"""Synchronous client. Generated from `aio.py` by `make fmt`: change that file, not this one."""\n'
REPLACEMENTS = {
    "AsyncMist": "Mist",
    "AsyncClient": "Client",
    "aclose": "close",
    "asyncio": "time",
    "async_connect": "sync_connect",
}


def generate() -> str:
    """The text of `plain.py`, formatted. Raises `CalledProcessError` when ruff refuses it."""
    rule = unasync.Rule("/client/aio.py", "/client/plain.py", additional_replacements=REPLACEMENTS)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "client", SOURCE.name)
        source.parent.mkdir()
        shutil.copy(SOURCE, source)
        unasync.unasync_files([str(source)], [rule])
        body = source.with_name(TARGET.name).read_text().split('"""\n', 1)[1]
    return _ruff(_ruff(HEADER + body, "check", "--fix", "--exit-zero"), "format")


def _ruff(text: str, *command: str) -> str:
    """Pass text through ruff, under the rules of the file that it becomes."""
    ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    TARGET.write_text(generate())
