"""Fixtures of more than one folder: the run's broker, and one real Mist over it."""

from collections.abc import Iterator

import hypothesis
import pytest

from support.brokers import broker
from support.client import Client
from support.paths import ROOT
from support.schema_registry import schema_registry
from support.stack import Stack

hypothesis.settings.register_profile("mist", deadline=None)  # a busy machine is slow, not wrong
hypothesis.settings.load_profile("mist")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the run's broker, with Mist's topics."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap


@pytest.fixture(scope="session")
def stack(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of each service as processes, with the examples and the test jobs."""
    with (
        schema_registry() as registry,
        Stack(kafka, tmp_path_factory.mktemp("mist"), environment={"MIST_SCHEMA_REGISTRY": registry}) as running,
    ):
        for entries in (ROOT / "deploy/examples/mist.yaml", ROOT / "tests/e2e/mist.yaml"):
            running.load(entries)
        yield running


@pytest.fixture(scope="session")
def mist(stack: Stack) -> Client:
    return Client(stack.url)
