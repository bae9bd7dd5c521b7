"""The local broker without the broker: its jars, its settings, its ports."""

import hashlib
import socket
from pathlib import Path

import pytest

from mist_runtime.java import Java
from mist_tools.local_kafka import LocalKafkaError
from mist_tools.local_kafka.jars import kafka_jars, kafka_version, pinned_jars, wrong_jars
from mist_tools.local_kafka.server_properties import NodePlace, free_port, is_free, refuse_taken, server_properties


def places(folder: Path, count: int) -> list[NodePlace]:
    return [
        NodePlace(id=i, folder=folder / str(i), port=9000 + i, controller_port=9100 + i) for i in range(1, count + 1)
    ]


def settings_of(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_jar_is_pinned_once_and_in_full() -> None:
    jars = pinned_jars()
    assert kafka_version().startswith("4.")
    assert len({jar.file for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 and jar.group and jar.version for jar in jars)


def test_a_jar_that_is_missing_or_altered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = pinned_jars()[0]
    (tmp_path / jar.file).write_bytes(b"not the jar")
    assert wrong_jars(tmp_path) == [each.file for each in pinned_jars()]
    monkeypatch.setattr("mist_tools.local_kafka.jars.pinned_jars", lambda: (jar,))
    monkeypatch.setattr(type(jar), "sha256", hashlib.sha256(b"not the jar").hexdigest())
    assert wrong_jars(tmp_path) == []


def test_a_fetch_that_fails_leaves_nothing_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIST_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    ivy = tmp_path / "bin" / "java"
    ivy.write_text("#!/bin/sh\necho 'Host central not found.'; exit 1\n")
    ivy.chmod(0o755)
    with pytest.raises(
        LocalKafkaError, match=r"could not be fetched from Maven Central \(Host central not found.\): connect"
    ):
        kafka_jars(Java(home=tmp_path, version="17"), lambda *_: None)
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIST_CACHE", str(tmp_path / "file"))
    with pytest.raises(LocalKafkaError, match=r"cannot be kept in .*; set MIST_CACHE to a folder$"):
        kafka_jars(Java(home=tmp_path, version="17"), lambda *_: None)


def test_a_single_node_listens_on_loopback_only_and_keeps_one_copy(tmp_path: Path) -> None:
    [place] = places(tmp_path, 1)
    settings = settings_of(server_properties(place, [place]))
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9101"
    assert settings["offsets.topic.replication.factor"] == settings["min.insync.replicas"] == "1"
    assert settings["auto.create.topics.enable"] == "false"


def test_of_three_copies_two_must_have_a_record(tmp_path: Path) -> None:
    nodes = places(tmp_path, 3)
    settings = settings_of(server_properties(nodes[1], nodes))
    assert settings["node.id"] == "2"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103"
    assert settings["default.replication.factor"] == "3"
    assert settings["min.insync.replicas"] == settings["transaction.state.log.min.isr"] == "2"


def test_a_port_in_use_is_refused_in_one_sentence() -> None:
    port = free_port()
    refuse_taken(port)
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()
        assert not is_free(port)
        with pytest.raises(LocalKafkaError, match=f"port {port} on 127.0.0.1 is in use: "):
            refuse_taken(port)
