"""The partition of a key is the same for everybody: murmur2, as Kafka's Java client has it."""

import pytest

from mist_eventlog.appender import hashed

POSITIVE = 0x7FFFFFFF


@pytest.mark.parametrize(
    ("key", "murmur2"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_keys_hash_as_in_kafkas_own_test(key: str | bytes, murmur2: int) -> None:
    """The figures of Kafka's `UtilsTest.testMurmur2`."""
    assert hashed(key) == murmur2 & POSITIVE
