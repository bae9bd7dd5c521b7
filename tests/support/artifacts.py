"""Artifacts and endpoints as a client uploads and defines them."""

import io
import uuid
import zipfile
from typing import Any

import httpx

from support.client import Client

WITH_PARTS = {
    "entry/__init__.py": "",
    "entry/jobs.py": (
        "from parts.factor import FACTOR\n"
        "def scale(n):\n    from parts.factor import FACTOR as there\n    return n * there\n"
        "def work(sc, numbers: list[int]):\n"
        "    return {'result': sc.parallelize(numbers, 2).map(scale).collect(), 'here': FACTOR}\n"
    ),
    "parts/__init__.py": "",
}


def upload(mist: Client, name: str, content: bytes, *, force: bool = False) -> None:
    answer = mist.http.post("/v2/api/artifacts", params={"force": force}, files={"file": (name, content)})
    assert answer.status_code == httpx.codes.OK, answer.text


def define(mist: Client, **endpoint: Any) -> str:
    answer = mist.http.post("/v2/api/endpoints", json={"name": f"e-{uuid.uuid4().hex[:8]}"} | endpoint)
    assert answer.status_code == httpx.codes.OK, answer.text
    return str(answer.json()["name"])


def archive(factor: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for member, text in {**WITH_PARTS, "parts/factor.py": f"FACTOR = {factor}\n"}.items():
            file.writestr(member, text)
    return content.getvalue()
