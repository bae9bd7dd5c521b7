"""Integration tests play whole services, so each file has a broker of its own."""

from collections.abc import Iterator

import pytest

from support.brokers import broker


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this file's broker, with Mist's topics and nothing in them."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap
