"""The README shows what is, not what was."""

from pathlib import Path

from mist_domain.picture import state_diagram

README = Path(__file__).parents[2] / "README.md"


def test_the_state_diagram_is_the_one_drawn_from_the_table() -> None:
    assert state_diagram() in README.read_text()
