"""The synchronous client is the asynchronous one without `async`: it is generated, and up to date."""

from checks.sync_client import TARGET, generate


def test_the_synchronous_client_is_the_generated_one() -> None:
    assert TARGET.read_text() == generate(), "run `make fmt`"
