"""The README shows what is, not what was."""

from mist_domain.job import state_diagram
from support.paths import ROOT

README = ROOT / "README.md"


def test_the_state_diagram_is_the_one_drawn_from_the_table() -> None:
    assert state_diagram() in README.read_text()
