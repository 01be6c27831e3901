"""State files on a disk that does not take them for a while. A folder that is missing stands for the full disk."""

import pytest

from hostagent.kept import KeptFile, has_room


@pytest.fixture
def said():
    return []


@pytest.fixture
def file(tmp_path, said):
    return KeptFile(tmp_path / "folder" / "state", said.append)


def test_what_can_be_written_is_there_at_once_and_nothing_is_said(tmp_path, said):
    file = KeptFile(tmp_path / "state", said.append)
    assert file.keep(b"one")
    assert (file.path.read_bytes(), file.waits, said) == (b"one", False, [])
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_is_said_once_and_the_newest_is_written_later(file, said):
    assert not file.keep(b"one")
    assert not file.keep(b"two")
    assert not file.settle()
    assert file.waits
    assert len(said) == 1
    assert str(file.path) in said[0]
    assert "No such file or directory" in said[0]
    file.path.parent.mkdir()
    assert file.settle()
    assert (file.path.read_bytes(), file.waits) == (b"two", False)
    assert said[1:] == [f"{file.path} could be written again."]


def test_a_second_trouble_is_said_again(file, said):
    file.keep(b"one")
    file.path.parent.mkdir()
    file.settle()
    file.path.unlink()
    file.path.parent.rmdir()
    file.keep(b"two")
    assert len([line for line in said if "cannot be written" in line]) == 2


def test_what_is_removed_is_not_written_any_more(file):
    file.keep(b"one")
    file.remove()
    file.path.parent.mkdir()
    assert file.settle()
    assert not file.path.exists()


def test_room_is_what_the_disk_says_and_a_disk_that_cannot_be_asked_has_none(tmp_path):
    assert has_room(tmp_path)
    assert not has_room(tmp_path / "missing")
