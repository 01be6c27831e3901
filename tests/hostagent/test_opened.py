"""Directories that are opened once: what a name in them can and cannot lead to."""

import contextlib
import os
import pwd
import shutil
import struct
import time

import pytest

from hostagent import opened
from hostagent.launch import LaunchError, place_of, prepare, program_of, start_shim
from hostagent.opened import Directory
from hostagent.ways import looked_at, nearest, real

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")


@pytest.fixture
def place(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("secret")
    (tmp_path / "place").mkdir()
    with Directory.at(tmp_path / "place") as directory:
        yield directory


@pytest.fixture
def others(tmp_path):
    nobody = pwd.getpwnam("nobody")
    (tmp_path / "others").mkdir()
    os.chown(tmp_path / "others", nobody.pw_uid, nobody.pw_gid)
    return tmp_path / "others"


def test_a_link_is_nowhere_on_the_way(place, tmp_path):
    (tmp_path / "place" / "way").symlink_to(tmp_path / "outside")
    for each in (lambda: place.below("way"), lambda: place.read("way/file", limit=10), lambda: place.plain("way"),
                 lambda: place.write_new("way/new", [b""], 0o600), lambda: place.change_mode("way/file", 0o777),
                 lambda: Directory.at(tmp_path / "place" / "way"), lambda: Directory.at(tmp_path / "place/way/file")):
        with pytest.raises(OSError, match=r"not followed|symbolic links"):
            each()
    assert os.listdir(tmp_path / "outside") == ["file"]


@pytest.mark.parametrize("name", ["", ".", "..", "../outside/file", "a/../../outside/file", "/etc/passwd"])
def test_a_name_never_leads_out(place, name):
    with pytest.raises(OSError, match="no name below"):
        place.read(name, limit=10)


def test_a_file_that_is_replaced_is_a_new_one_and_a_link_in_its_place_goes(place, tmp_path):
    (tmp_path / "place" / "file").symlink_to(tmp_path / "outside" / "file")
    place.replace_file("file", b"new", 0o640)
    assert not (tmp_path / "place" / "file").is_symlink()
    assert (tmp_path / "outside" / "file").read_text() == "secret"


def test_no_more_is_read_than_was_asked_for_nor_longer(place, tmp_path):
    (tmp_path / "place" / "long").write_bytes(b"x" * 100)
    assert place.read("long", limit=10) == b"x" * 10
    with pytest.raises(TimeoutError):
        place.read("long", limit=10, until=time.monotonic() - 1)
    with pytest.raises(OSError, match="too long"):
        place.sha256("long", limit=99)


def test_more_names_than_anybody_needs_are_refused(place, monkeypatch, tmp_path):
    monkeypatch.setattr(opened, "NAMES_MAX", 2)
    for name in "abc":
        (tmp_path / "place" / name).touch()
    with pytest.raises(OSError, match="more than 2 names"):
        place.names()


def test_a_tree_is_removed_with_its_links_and_not_what_they_lead_to(place, tmp_path):
    (tmp_path / "place" / "a" / "b").mkdir(parents=True)
    (tmp_path / "place" / "a" / "b" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "place" / "a" / "b" / "1").mkdir()
    assert place.remove_all("a")
    assert place.remove_all("a")
    assert (place.names(), os.listdir(tmp_path / "outside")) == ([], ["file"])


@as_root
def test_all_of_a_tree_is_given_away_and_no_link_is_followed(place, tmp_path):
    (tmp_path / "place" / "a" / "b").mkdir(parents=True)
    (tmp_path / "place" / "a" / "b" / "file").write_text("")
    (tmp_path / "place" / "a" / "link").symlink_to(tmp_path / "outside")
    place.give_all((65534, 65534))
    assert {path.stat().st_uid for path in (tmp_path / "place").rglob("*") if not path.is_symlink()} == {65534}
    assert (tmp_path / "place").stat().st_uid == 65534
    assert {path.stat().st_uid for path in (tmp_path / "outside", tmp_path / "outside" / "file")} == {0}


@as_root
def test_a_file_that_has_a_name_elsewhere_too_is_not_given_away(place, tmp_path):
    os.link(tmp_path / "outside" / "file", tmp_path / "place" / "file")
    os.mkfifo(tmp_path / "place" / "pipe")
    place.give_all((65534, 65534))
    assert (tmp_path / "outside" / "file").stat().st_uid == 0
    assert (tmp_path / "place").stat().st_uid == 65534


def test_links_of_ours_lead_to_where_they_lead(tmp_path):
    (tmp_path / "there" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "there" / "again").symlink_to(tmp_path / "link" / "deep")
    assert real(tmp_path / "link" / "again" / "not" / "yet") == str(tmp_path / "there" / "deep" / "not" / "yet")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match="symbolic links"):
        real(tmp_path / "round")


@as_root
def test_links_of_others_lead_nowhere(tmp_path, others):
    (others / "link").symlink_to(tmp_path)
    with pytest.raises(OSError, match=f"{others}/link is a link that somebody else put there"):
        real(others / "link" / "x")
    with pytest.raises(OSError, match="somebody else"), looked_at(str(others / "link")):
        pass


def test_the_nearest_directory_of_a_path_is_found(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "a" / "b", tmp_path / "file" / "b"):
        with nearest(str(path)) as (found, _):
            assert found == str(tmp_path)


def application(directory, **more):
    return {"name": "MS", "working_directory": str(directory), "command_line": "./server", **more}


@as_root
@pytest.mark.parametrize("given", [".", "server", "data"])
def test_a_server_is_not_started_as_root_where_others_can_change_what_it_is_or_has(tmp_path, given):
    (tmp_path / "data").mkdir()
    (tmp_path / "server").write_text("")
    (tmp_path / "server").chmod(0o755)
    assert program_of(application(tmp_path), account_now="root", is_root=True).account == ""
    os.chown(tmp_path / given, 65534, 65534)
    with pytest.raises(LaunchError, match="MS would run as root, but others than root can change"):
        program_of(application(tmp_path), account_now="root", is_root=True)
    assert program_of(application(tmp_path, log_on_as="nobody"), account_now="root", is_root=True).account == "nobody"


@pytest.fixture
def deep(tmp_path):
    """A directory of root's with a server, two directories below what a test gives away."""
    directory = tmp_path / "above" / "parent" / "ms"
    directory.mkdir(parents=True)
    (directory / "server").write_text("")
    (directory / "server").chmod(0o755)
    return directory


def as_what(directory, **more):
    return program_of(application(directory, **more), account_now="root", is_root=True)


@as_root
def test_a_server_is_not_started_as_root_below_a_directory_of_somebody_else(tmp_path, deep):
    os.chown(tmp_path / "above", 65534, 65534)
    with pytest.raises(LaunchError, match=rf"MS would run as root, but others than root can change {tmp_path}/above, "
                                          rf"which {deep} is in: choose .*chown root {tmp_path}/above"):
        as_what(deep)
    assert as_what(deep, log_on_as="nobody").account == "nobody"


@as_root
@pytest.mark.parametrize(("mode", "swapped"), [(0o755, False), (0o777, True), (0o1777, False), (0o775, False)])
def test_where_everybody_writes_what_is_roots_stays_only_in_a_sticky_directory(deep, mode, swapped):
    deep.parent.chmod(mode)
    with pytest.raises(LaunchError, match=f"can change {deep.parent}") if swapped else contextlib.nullcontext():
        as_what(deep)


@as_root
def test_a_directory_that_a_group_of_others_writes_to_is_no_way_for_root(deep):
    os.chown(deep.parent, 0, 65534)
    deep.parent.chmod(0o775)
    with pytest.raises(LaunchError, match=f"can change {deep.parent}"):
        as_what(deep)


def let_nobody_write(path):
    """By an access control list: the mode names the group of root alone."""
    entries = ((1, 7, -1), (2, 7, 65534), (4, 5, -1), (0x10, 7, -1), (0x20, 5, -1))
    listed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", listed)
    except OSError as error:
        pytest.skip(f"no access control lists here: {error.strerror}")


@as_root
@pytest.mark.parametrize("given", ["above/parent", "above/parent/ms", "above/parent/ms/server"])
def test_whom_an_access_control_list_lets_write_is_somebody_else(tmp_path, deep, given):
    let_nobody_write(tmp_path / given)
    with pytest.raises(LaunchError, match=f"others than root can change {tmp_path}/{given}[,:]"):
        as_what(deep)


@as_root
@pytest.mark.parametrize("given", ["bin", "bin/tool", "sticky"])
def test_a_program_elsewhere_is_looked_at_as_one_in_the_working_directory(tmp_path, deep, given):
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("")
    tool.chmod(0o755)
    (deep / "link").symlink_to(tool)
    for line in (str(tool), "./link", os.path.relpath(tool, deep)):
        assert as_what(deep, command_line=line).file == str(tool)
    if given == "sticky":
        tool.parent.chmod(0o1777)
    else:
        os.chown(tmp_path / given, 65534, 65534)
    for line in (str(tool), "./link", os.path.relpath(tool, deep)):
        with pytest.raises(LaunchError, match=f"MS would run as root, but others than root can change {tmp_path}/bin"):
            as_what(deep, command_line=line)


@as_root
def test_the_shim_starts_in_the_directory_that_was_looked_at(tmp_path, deep):
    """Somebody puts another directory in its place between the look and the start."""
    (deep / "server").write_text("#!/bin/sh\nls /proc/self/fd > fds\necho here > found\n")
    program = as_what(deep)
    with place_of(program) as place:
        run_dir = prepare(tmp_path / "run", program, tmp_path / "log", lambda _: True)
        moved = deep.rename(tmp_path / "moved")
        shutil.copytree(moved, deep)
        shim = start_shim(run_dir, dict(os.environ), place)
        assert shim.wait(30) == 0
    assert (moved / "found").exists()
    assert not (deep / "found").exists()
    assert str(place.descriptor) not in (moved / "fds").read_text().split(), "the program inherits no descriptor of it"
