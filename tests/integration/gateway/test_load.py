"""`python -m mist_tools.load`: a file into the registry, as often as one likes."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx

from support.gateway_world import eventually

FILE = """
contexts:
  - {name: loaded, maxJobs: 7}
endpoints:
  - {name: loaded, path: job.py, className: job, defaultContext: loaded}
"""


def load(kafka: str, file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mist_tools.load", str(file)],
        env={**os.environ, "MIST_KAFKA": kafka},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_a_file_is_loaded_and_what_is_there_is_not_written_again(
    http: httpx.AsyncClient, kafka: str, tmp_path: Path
) -> None:
    (tmp_path / "job.py").write_text("def job(spark, n: int): ...")
    file = tmp_path / "mist.yaml"
    file.write_text(FILE)
    first = await asyncio.to_thread(load, kafka, file)
    assert (first.returncode, first.stdout) == (0, "context/loaded written\nendpoint/loaded written\n")

    async def known() -> bool:
        return (await http.get("/v2/api/endpoints/loaded")).status_code == httpx.codes.OK

    await eventually("the endpoint is known", known)
    endpoint = (await http.get("/v2/api/endpoints/loaded")).json()
    assert (endpoint["path"], endpoint["execute"]) == (f"file://{tmp_path}/job.py", {"n": {"type": "MInt"}})
    assert (await http.get("/v2/api/contexts/loaded")).json()["maxJobs"] == 7
    (tmp_path / "job.py").write_text("def job(spark, m: str): ...")
    second = await asyncio.to_thread(load, kafka, file)
    assert second.stdout == "context/loaded is there already\nendpoint/loaded written\n"


async def test_a_file_with_a_fault_writes_nothing_and_names_it(
    http: httpx.AsyncClient, kafka: str, tmp_path: Path
) -> None:
    file = tmp_path / "mist.yaml"
    file.write_text("contexts: [{name: half, maxJobs: 3}, {name: other, maxJobs: none}]")
    done = await asyncio.to_thread(load, kafka, file)
    assert done.returncode == 1
    assert done.stderr == "context 'other': maxJobs is 'none'; it must be a whole number, 1 or more.\n"
    assert (await http.get("/v2/api/contexts/half")).status_code == httpx.codes.NOT_FOUND


async def test_without_kafka_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mist.yaml"
    file.write_text("contexts: [{name: c}]")
    done = await asyncio.to_thread(load, "127.0.0.1:1", file)
    assert done.returncode == 1
    assert "no Kafka broker answers at 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
