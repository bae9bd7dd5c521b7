"""One real Mist for all end-to-end tests: services as processes over the run's broker, the examples and test jobs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from brokers import broker
from client import Client
from stack import Stack

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: nobody else's jobs."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap


@pytest.fixture(scope="session")
def stack(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(kafka, tmp_path_factory.mktemp("mist")) as running:
        for entries in (ROOT / "deploy/examples/mist.yaml", ROOT / "tests/e2e/mist.yaml"):
            running.load(entries)
        yield running


@pytest.fixture(scope="session")
def mist(stack: Stack) -> Client:
    return Client(stack.url)
