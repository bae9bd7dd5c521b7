"""What tests of more than one folder ask for."""

from collections.abc import Iterator

import hypothesis
import pytest

from brokers import broker

hypothesis.settings.register_profile("mist", deadline=None)  # a busy machine is slow, not wrong
hypothesis.settings.load_profile("mist")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the run's broker, with Mist's topics."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap
