"""Uploaded job code: kept whole or not at all, given back as it came, refused in words."""

import asyncio
import hashlib
import io
import socket
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.gateway_world import Gateway, eventually, new_id

ARTIFACTS = "/v2/api/artifacts"
LIMIT = 1_000_000


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="package")
def one(kafka: str, store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that takes small files only."""
    settings = {"MIST_ARTIFACTS": str(store), "MIST_ARTIFACT_LIMIT": str(LIMIT)}
    gateway = Gateway(kafka, tmp_path_factory.mktemp("gateway"), **settings)
    gateway.start()
    yield gateway
    gateway.service.end()


@pytest.fixture
async def http(one: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with one.client() as client:
        yield client


@pytest.fixture
def name() -> str:
    return f"a-{new_id()}.py"


async def upload(http: httpx.AsyncClient, name: str, content: bytes, force: str = "False") -> httpx.Response:
    return await http.post(f"{ARTIFACTS}?force={force}", files={"file": (name, content)})


def archive(**members: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for member, text in members.items():
            file.writestr(member, text)
    return content.getvalue()


def kept(store: Path) -> list[str]:
    return sorted(file.name for file in store.iterdir())


async def test_an_artifact_lives_from_upload_to_delete(http: httpx.AsyncClient, name: str) -> None:
    content = b"def job(n: int): ..."
    assert (await http.get(f"{ARTIFACTS}/{name}/sha")).status_code == httpx.codes.NOT_FOUND
    stored = await upload(http, name, content)
    assert (stored.status_code, stored.text) == (httpx.codes.OK, name)
    assert name in (await http.get(ARTIFACTS)).json()
    assert (await http.get(f"{ARTIFACTS}/{name}")).content == content
    sha = await http.get(f"{ARTIFACTS}/{name}/sha")
    assert sha.text == hashlib.sha1(content, usedforsecurity=False).hexdigest()
    assert sha.headers["content-type"].startswith("text/plain")
    assert (await http.delete(f"{ARTIFACTS}/{name}")).status_code == httpx.codes.OK
    for path in ("", "/sha"):
        assert (await http.get(f"{ARTIFACTS}/{name}{path}")).status_code == httpx.codes.NOT_FOUND
    assert (await http.delete(f"{ARTIFACTS}/{name}")).status_code == httpx.codes.NOT_FOUND
    assert name not in (await http.get(ARTIFACTS)).json()


async def test_other_content_under_a_name_needs_force(http: httpx.AsyncClient, name: str) -> None:
    assert (await upload(http, name, b"a = 1")).status_code == httpx.codes.OK
    assert (await upload(http, name, b"a = 1")).status_code == httpx.codes.OK
    refused = await upload(http, name, b"a = 2")
    assert refused.status_code == httpx.codes.CONFLICT
    assert "force=true" in refused.json()["message"]
    assert (await http.get(f"{ARTIFACTS}/{name}")).content == b"a = 1"
    assert (await upload(http, name, b"a = 2", force="True")).status_code == httpx.codes.OK
    assert (await http.get(f"{ARTIFACTS}/{name}")).content == b"a = 2"


async def test_an_endpoint_of_an_artifact_takes_its_signature_along(http: httpx.AsyncClient, name: str) -> None:
    endpoint = {"name": f"e-{new_id()}", "path": name, "className": "job"}
    missing = await http.post("/v2/api/endpoints", json=endpoint)
    assert missing.status_code == httpx.codes.BAD_REQUEST
    assert f"there is no artifact '{name}'" in missing.json()["message"]
    await upload(http, name, b"def job(n: int): ...")
    made = await http.post("/v2/api/endpoints", json=endpoint)
    assert made.json()["execute"] == {"n": {"type": "MInt"}}
    await upload(http, name, b"def job(word: str): ...", force="true")
    changed = await http.get(f"/v2/api/endpoints/{endpoint['name']}")
    assert changed.json()["execute"] == {"word": {"type": "MString"}}
    await http.delete(f"{ARTIFACTS}/{name}")
    left = await http.get(f"/v2/api/endpoints/{endpoint['name']}")
    assert f"there is no artifact '{name}'" in left.json()["problem"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.py", b"def (", "a.py is no Python 3: invalid syntax in line 1"),
        ("a.py", b"\xff\xfe", "a.py is not UTF-8 (byte 0)"),
        ("a.sql", b"select \xff", "a.sql is not UTF-8 (byte 7)"),
        ("a.zip", b"PK nothing", "a.zip is no archive"),
        ("a.egg", archive(**{"a.py": "", "../b.py": ""}), "a.egg holds '../b.py', which lies outside"),
        ("a.whl", archive(**{"/etc/passwd": ""}), "a.whl holds '/etc/passwd', which lies outside"),
        ("a.exe", b"", "'a.exe' is no artifact: its name must end in .py"),
        ("..", b"", "'..'"),
        ("a" * 200 + ".py", b"", "128"),
    ],
)
async def test_a_file_that_is_no_artifact_is_refused(
    http: httpx.AsyncClient, name: str, content: bytes, says: str
) -> None:
    answer = await upload(http, name, content)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert says in answer.json()["message"]


async def test_a_name_with_a_path_is_refused(http: httpx.AsyncClient) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="../../a.py"\r\n\r\na = 1\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = await http.post(ARTIFACTS, content=body, headers=headers)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert "../../a.py" in answer.json()["message"]
    assert (await http.get(f"{ARTIFACTS}/..%2f..%2fa.py")).status_code in {400, 404}


@pytest.mark.parametrize(
    ("request_body", "says"),
    [
        ({"json": {}}, "multipart/form-data"),
        ({"files": {"other": ("a.py", b"")}}, "'file'"),
        ({"content": b"--y", "headers": {"content-type": "multipart/form-data; boundary=x"}}, "multipart"),
    ],
)
async def test_what_is_no_upload_is_refused(http: httpx.AsyncClient, request_body: dict[str, Any], says: str) -> None:
    answer = await http.post(ARTIFACTS, **request_body)
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert says in answer.json()["message"]


async def test_a_file_over_the_limit_is_refused_before_all_of_it_is_read(http: httpx.AsyncClient, name: str) -> None:
    refused = await upload(http, name, b"#" * (LIMIT + 1))
    assert refused.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    refused = await upload(http, name, b"#" * (3 * LIMIT))
    assert refused.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert str(LIMIT) in refused.json()["message"]
    assert (await upload(http, name, b"#" * LIMIT)).status_code == httpx.codes.OK


async def test_a_torn_upload_leaves_nothing(http: httpx.AsyncClient, one: Gateway, store: Path, name: str) -> None:
    await upload(http, f"b{name}", b"b = 1")
    before = kept(store)
    head = (
        f"POST {ARTIFACTS} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 100000\r\n\r\n--x\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\na = 1\r\n'
    )
    with socket.create_connection(("127.0.0.1", one.port)) as torn:
        torn.sendall(head.encode())
    await asyncio.wait_for(upload(http, f"c{name}", b"b = 1"), 10)
    assert name not in (await http.get(ARTIFACTS)).json()
    assert kept(store) == before


async def test_two_gateways_that_create_one_name_at_once_agree(
    http: httpx.AsyncClient, kafka: str, store: Path, tmp_path: Path
) -> None:
    """Of many at once under one name, one wins; the others are told 409; both gateways show the winner."""
    (tmp_path / "job.py").write_text("def job(n: int): ...")
    gateway = Gateway(kafka, tmp_path, MIST_ARTIFACTS=str(store))
    gateway.start()
    try:
        async with gateway.client() as other:
            bodies = [
                {"name": f"e-{new_id()}", "path": f"file://{tmp_path}/job.py", "className": "job"} for _ in range(10)
            ]
            for body in bodies:
                answers = await asyncio.gather(
                    *(
                        client.post("/v2/api/endpoints", json=body | {"tags": [str(index)]})
                        for index, client in enumerate((http, other, http, other))
                    )
                )
                won = [answer.json() for answer in answers if answer.status_code == httpx.codes.OK]
                assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
                for client in (http, other):
                    assert await _shows(client, won[0])
    finally:
        gateway.service.end()


async def _shows(client: httpx.AsyncClient, endpoint: dict[str, Any]) -> bool:
    async def ask() -> bool:
        return bool((await client.get(f"/v2/api/endpoints/{endpoint['name']}")).json() == endpoint)

    return await eventually("the winner is shown", ask)
