"""One contract for every place that artifacts may be kept in: a folder, memory, and S3 (moto's server)."""

import hashlib
import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from mist_artifacts import ArtifactStore, StoreError

CONTENT = b"def job(): ..." * 1_000_000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    match request.param:
        case "folder":
            return str(tmp_path / "not" / "there yet")
        case "memory":
            return f"memory://{uuid.uuid4().hex}"
        case _:
            for name, value in {
                "AWS_ENDPOINT_URL": request.getfixturevalue("s3"),
                "AWS_ACCESS_KEY_ID": "mist",
                "AWS_SECRET_ACCESS_KEY": "mist",
                "AWS_DEFAULT_REGION": "us-east-1",
            }.items():
                monkeypatch.setenv(name, value)
            bucket = f"b-{uuid.uuid4().hex}"
            boto3.client("s3").create_bucket(Bucket=bucket)
            return f"s3://{bucket}/mist"


class Torn(io.BytesIO):
    """A stream that ends in an error half way."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > len(CONTENT) // 2:
            raise OSError("the client has gone")
        return super().read(size)


def test_what_was_put_can_be_read_from_any_place(url: str) -> None:
    store = ArtifactStore(url)
    store.put(io.BytesIO(CONTENT), SHA)
    store.put(io.BytesIO(CONTENT), SHA)
    with ArtifactStore(url).open(SHA) as file:
        assert file.read(3) == CONTENT[:3]
        file.seek(len(CONTENT) - 5)
        assert file.read() == CONTENT[-5:]


def test_what_was_torn_is_not_there_and_can_be_put_again(url: str) -> None:
    store = ArtifactStore(url)
    with pytest.raises(StoreError, match="the client has gone"):
        store.put(Torn(CONTENT), SHA)
    with pytest.raises(StoreError, match="does not hold it"), store.open(SHA):
        pass
    store.put(io.BytesIO(CONTENT), SHA)
    with store.open(SHA) as file:
        assert hashlib.sha256(file.read()).hexdigest() == SHA


def test_only_a_sha_is_a_place(url: str) -> None:
    with pytest.raises(StoreError, match="no SHA-256"):
        ArtifactStore(url).put(io.BytesIO(b""), "../elsewhere")
