"""Generate the synchronous client, `mist/client/plain.py`, from the one for asyncio."""

import subprocess
import sys
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
    rule = unasync.Rule("/aio/", "/plain/", additional_replacements=REPLACEMENTS)
    tokens = rule._unasync_tokens(unasync.tokenize_rt.src_to_tokens(SOURCE.read_text()))
    text = unasync.tokenize_rt.tokens_to_src(tokens)
    body = text.split('"""\n', 1)[1]
    return _ruff(_ruff(HEADER + body, "check", "--fix", "--exit-zero"), "format")


def _ruff(text: str, *command: str) -> str:
    """Pass text through ruff, under the rules of the file that it becomes."""
    ruff = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    TARGET.write_text(generate())
