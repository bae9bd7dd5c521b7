"""One gateway for the tests of this folder; those that kill it start their own."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from mist_eventlog import Appender
from support.brokers import broker
from support.gateway_world import Gateway, Log


@pytest.fixture(scope="package")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One broker for the folder."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap


@pytest.fixture(scope="package")
def gateway(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = {"MIST_KEEP_ALIVE": "0.5", "MIST_SOCKET_BUFFER": "50"}
    one = Gateway(kafka, tmp_path_factory.mktemp("gateway"), **settings)
    one.start()
    yield one
    one.service.end()


@pytest.fixture
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.client() as client:
        yield client


@pytest.fixture
async def log(kafka: str) -> AsyncIterator[Log]:
    async with Appender(kafka) as appender:
        yield Log(appender)
