"""Kafka away for longer than the lease: what was read stays readable, jobs run on, and all is well once it is back."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from mist_tools.local_kafka import LocalKafka
from support.brokers import broker
from support.client import Client
from support.paths import ROOT
from support.stack import Stack, wait_until

LEASE = 6
AWAY = float(os.environ.get("MIST_AWAY_SECONDS", "20"))
"""Seconds: longer than the lease, and than a request to Kafka may take."""
BACK = 5.0


@contextmanager
def paused(kafka: LocalKafka) -> Iterator[None]:
    kafka.pause()
    try:
        yield
    finally:
        kafka.resume()


@contextmanager
def stopped(kafka: LocalKafka) -> Iterator[None]:
    kafka.stop_node(1)
    try:
        yield
    finally:
        kafka.start_node(1)


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture(scope="module")
def own_stack(own_kafka: LocalKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    environment = {"MIST_LEASE_SECONDS": str(LEASE)}
    with Stack(own_kafka.bootstrap, tmp_path_factory.mktemp("mist"), environment=environment) as running:
        running.load(ROOT / "tests/e2e/mist.yaml")
        yield running


@pytest.mark.parametrize("away", [paused, stopped])
def test_kafka_may_be_away_for_longer_than_the_lease(
    own_kafka: LocalKafka, own_stack: Stack, tmp_path: Path, away: Callable[[LocalKafka], AbstractContextManager[None]]
) -> None:
    mist = Client(own_stack.url)
    pids = {service.pid for service in own_stack.services.values()}
    go, done = tmp_path / "go", tmp_path / "done"
    runs = mist.start("waits", {"go": str(go), "done": str(done)})
    stays = mist.start("waits", {"go": str(tmp_path / "later"), "done": str(tmp_path / "at last")})
    for job_id in (runs, stays):
        mist.reached(job_id, "started")
    with mist.feed() as feed:
        with away(own_kafka):
            begin = time.monotonic()
            refused = mist.http.post("/v2/api/endpoints/noop", json={})
            assert refused.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert int(refused.headers["retry-after"]) > 0
            wait_until("it is away for longer than the lease", lambda: time.monotonic() - begin > AWAY, AWAY + 5)
            assert mist.job(runs)["status"] == "started"
            assert {job["jobId"] for job in mist.http.get("/v2/api/jobs?status=started").json()} == {runs, stays}
            assert feed.socket.ping().wait(5)
            go.touch()
            wait_until("the job comes to its end without Kafka", done.exists, 10)
        assert feed.until(runs, "finished", BACK) == ["finished"]
        key = refused.headers["idempotency-key"]
        again = wait_until("a start is taken", lambda: _taken(mist, key), BACK)
        assert again == refused.json()["id"]
        assert feed.until(again, "finished", BACK)[-1] == "finished"
    (tmp_path / "later").touch()
    assert mist.ended(stays)["status"] == "finished"
    assert {service.pid for service in own_stack.services.values()} == pids
    assert all(service.process and service.process.poll() is None for service in own_stack.services.values())


def _taken(mist: Client, key: str) -> str | None:
    answer = mist.http.post("/v2/api/endpoints/noop", json={}, headers={"Idempotency-Key": key})
    return str(answer.json()["id"]) if answer.status_code == httpx.codes.OK else None
