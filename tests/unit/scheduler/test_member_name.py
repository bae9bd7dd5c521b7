"""The name a scheduler has again when it comes back."""

from pathlib import Path

from mist_scheduler.member_name import MemberName


def test_who_comes_back_has_the_name_it_had(tmp_path: Path) -> None:
    first = MemberName(tmp_path / "scheduler")
    name = first.name
    assert name is not None
    first._held.close()
    assert MemberName(tmp_path / "scheduler").name == name


def test_of_two_on_one_folder_only_the_first_has_the_name(tmp_path: Path) -> None:
    first, second = MemberName(tmp_path), MemberName(tmp_path)
    assert first.name is not None
    assert second.name is None


def test_each_folder_has_its_own_name(tmp_path: Path) -> None:
    assert MemberName(tmp_path / "a").name != MemberName(tmp_path / "b").name


def test_where_nothing_can_be_written_there_is_no_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert MemberName(tmp_path / "file" / "scheduler").name is None
