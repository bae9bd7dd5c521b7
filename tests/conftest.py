"""What tests of more than one folder ask for."""

from collections.abc import Iterator

import pytest

from brokers import broker


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the run's broker, with Mist's topics."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap
