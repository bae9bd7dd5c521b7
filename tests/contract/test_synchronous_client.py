"""The synchronous client is the asynchronous one without its awaits."""

from mist_tools.synchronous_client import SOURCE, TARGET, synchronous


def test_the_synchronous_client_is_generated_from_the_asynchronous_one() -> None:
    """A change of `aio.py` alone, or of `plain.py` alone, fails here."""
    assert TARGET.read_text() == synchronous(SOURCE.read_text()), "run: make generate"
