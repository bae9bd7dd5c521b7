"""Cursors: what was given out is read back, everything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.wire.cursor import read_cursor, write_cursor

OFFSETS = st.lists(st.integers(-1, 2**62), min_size=8, max_size=8)


@given(OFFSETS)
def test_a_cursor_is_read_back(offsets: list[int]) -> None:
    text = write_cursor(offsets)
    assert read_cursor(text, 8) == offsets
    assert len(text) <= 120, "it must fit into a WebSocket's close reason"
    assert text.isascii()


@given(st.text(max_size=100))
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        read_cursor(text, 8)


def test_a_cursor_of_another_log_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        read_cursor(write_cursor([1, 2, 3]), 8)
    with pytest.raises(ValueError, match="not a cursor"):
        read_cursor(write_cursor([-2] * 8), 8)
