"""Files that are replaced: whole or not at all, with the mode that was asked for, and by one module."""

import ast
import os
import sys

import pytest

from protocol.files import replacing, sync_directory, write_atomically
from tests.sources import sources

MOVE_OTHERWISE = {
    "protocol/files.py": "it is the one",
    "hostagent/shim.py": "stands alone: it outlives the agent that it came with",
    "hostagent/join.py": "stands alone, and moves a directory",
    "hostagent/opened.py": "by descriptors, in directories of other accounts",
    "hostagent/enrol.py": "a link",
    "hostagent/state.py": "moves aside what it could not read",
    "hostagent/launch.py": "moves aside what nobody started",
    "hostagent/jobs/fetch.py": "a download that goes on after a break",
    "messageserver/log.py": "the log that was written until now",
    "console/backup/restorer.py": "puts whole directories in their places",
    "console/service/deb.py": "a package, whose file dpkg-deb writes",
    "console/service/machine.py": "puts a whole directory in its place",
    "provisioning/catalog/services/packages.py": "an upload, whose name is known only when all of it has come",
}


def moves(text):
    """The calls in a module that give a file another name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of, name = ast.unparse(node.func.value), node.func.attr
            arguments = len(node.args) + len(node.keywords)
            if (of == "os" and name in {"replace", "rename"}) or (name in {"replace", "rename"} and arguments == 1
                                                                 and node.args):
                yield f"{of}.{name}"


def test_one_module_replaces_files_and_all_others_have_a_reason():
    found = {name for name, text in sources(saying=r"\.(replace|rename)\(").items() if any(moves(text))}
    assert found == set(MOVE_OTHERWISE)


@pytest.mark.parametrize("lasting", [True, False])
def test_a_file_is_replaced_with_the_mode_that_was_asked_for_whatever_the_umask(tmp_path, lasting):
    path = tmp_path / "f"
    before = os.umask(0o077)
    try:
        write_atomically(path, b"one", lasting=lasting)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", 0o600)
        os.umask(0)
        write_atomically(path, b"two", mode=0o640, lasting=lasting)
    finally:
        os.umask(before)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o640)
    assert os.listdir(tmp_path) == ["f"]


def test_a_writer_that_fails_half_way_leaves_the_old_content_and_nothing_else(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    parts = (part if part else 1 / 0 for part in (b"half", b""))
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.writelines(parts)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_what_a_process_left_beside_a_file_is_neither_followed_nor_kept(tmp_path):
    path, other = tmp_path / "f", tmp_path / "other"
    other.write_bytes(b"of somebody else")
    (tmp_path / f".f.{os.getpid()}.tmp").symlink_to(other)
    write_atomically(path, b"new")
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"of somebody else")
    assert sorted(os.listdir(tmp_path)) == ["f", "other"]


@pytest.mark.parametrize(("lasting", "synced"), [(True, ["file", "directory"]), (False, [])])
def test_what_must_outlive_a_power_cut_waits_for_the_disk_and_nothing_else_does(tmp_path, monkeypatch, lasting, synced):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(
        "directory" if os.path.isdir(f"/proc/self/fd/{number}") else "file"))
    write_atomically(tmp_path / "f", b"1", lasting=lasting)
    assert seen == synced


def test_names_need_no_call_on_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    sync_directory(tmp_path / "no such directory")
