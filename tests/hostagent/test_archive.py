"""Unpacking an Installation Package that nobody has to trust."""

import tarfile
import tracemalloc
import zlib

import pytest

from hostagent.jobs import archive
from hostagent.jobs.archive import Bounds, read_version, unpack
from hostagent.jobs.errors import JobFailed
from hostagent.opened import Directory
from tests.hostile_archives import HOSTILE, LARGE, block

from .packages import build_package, checksums, files_of, member, write_archive


def unpacked(tmp_path, package, bounds=None):
    directory, count = unpack(package, "package.tar.gz", tmp_path / "staging", bounds or Bounds())
    directory.close()
    return count


def version_in(path):
    with Directory.at(path) as directory:
        return read_version(directory, "p")


@pytest.mark.parametrize("kept", [archive.KEPT, 200, 0])
def test_a_sound_package_is_unpacked_with_its_modes_and_version(tmp_path, monkeypatch, kept):
    monkeypatch.setattr(archive, "KEPT", kept)
    package = build_package(tmp_path / "p.tar.gz")
    assert unpacked(tmp_path, package) == len(files_of())
    staging = tmp_path / "staging"
    assert {path.relative_to(staging).as_posix() for path in staging.rglob("*") if path.is_file()} == {
        *files_of(), "checksums.sha256"}
    assert (staging / "MessageServer").stat().st_mode & 0o7777 == 0o750
    assert (staging / "lib/server.py").stat().st_mode & 0o7777 == 0o640
    assert version_in(staging) == "8.5.100.01"


@pytest.mark.parametrize(("odd", "sentence"), [
    (member("/etc/cron.d/x", b"x"), "absolute"),
    (member("../outside", b"x"), r"leads out .* \(\.\.\)"),
    (member("lib/../../outside", b"x"), r"leads out .* \(\.\.\)"),
    (member("lib\\x", b"x"), "unusable path"),
    (member("link", kind=tarfile.SYMTYPE, link="../outside"), "link 'link' leads out"),
    (member("lib/link", kind=tarfile.SYMTYPE, link="../../outside"), "leads out"),
    (member("link", kind=tarfile.SYMTYPE, link="/etc/passwd"), "leads out"),
    (member("hard", kind=tarfile.LNKTYPE, link="MessageServer"), "hard link"),
    (member("device", kind=tarfile.CHRTYPE), "device"),
    (member("pipe", kind=tarfile.FIFOTYPE), "pipe"),
    (member("MessageServer", b"again"), "there twice"),
    (member("lib/./server.py", b"again"), "there twice"),
    (member("MessageServer/inside", b"x"), "lies below a file"),
    (member("unlisted", b"x"), "does not name its file 'unlisted'"),
])
def test_an_unsafe_member_is_refused_and_named(tmp_path, odd, sentence):
    package = build_package(tmp_path / "p.tar.gz", more=[odd])
    with pytest.raises(JobFailed, match=sentence):
        unpacked(tmp_path, package)
    assert not (tmp_path / "outside").exists()


def test_a_file_cannot_be_written_through_a_link(tmp_path):
    package = build_package(tmp_path / "p.tar.gz", more=[member("way", kind=tarfile.SYMTYPE, link="lib"),
                                                         member("way/server2.py", b"x")])
    with pytest.raises(JobFailed, match="lies below a link"):
        unpacked(tmp_path, package)


def test_a_link_inside_is_fine(tmp_path):
    unpacked(tmp_path, build_package(tmp_path / "p.tar.gz", more=[member("way", kind=tarfile.SYMTYPE, link="lib")]))
    assert (tmp_path / "staging" / "way" / "server.py").is_file()


@pytest.mark.parametrize("bounds", [Bounds(members=3), Bounds(member_size=10), Bounds(size=100)])
def test_too_many_or_too_large_members_are_refused(tmp_path, bounds):
    with pytest.raises(JobFailed, match=r"more than 3 members|larger than"):
        unpacked(tmp_path, build_package(tmp_path / "p.tar.gz"), bounds)
    assert not (tmp_path / "staging").exists()


def test_a_file_that_differs_from_its_checksum_is_refused_with_both(tmp_path):
    files = files_of()
    package = build_package(tmp_path / "p.tar.gz", {**files, "lib/server.py": b"tampered"}, sums=checksums(files))
    with pytest.raises(JobFailed, match=r"'lib/server.py' is not what .* expected [0-9a-f]{64}, found [0-9a-f]{64}"):
        unpacked(tmp_path, package)


def test_a_package_without_checksums_is_refused(tmp_path):
    package = write_archive(tmp_path / "p.tar.gz", [member(name, data) for name, data in files_of().items()])
    with pytest.raises(JobFailed, match="has no checksums"):
        unpacked(tmp_path, package)


@pytest.mark.parametrize("cut", [0, 10, 300])
def test_a_damaged_archive_is_refused(tmp_path, cut):
    package = build_package(tmp_path / "p.tar.gz")
    package.write_bytes(package.read_bytes()[:cut])
    with pytest.raises(JobFailed, match=r"damaged|has no checksums"):
        unpacked(tmp_path, package)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_with_a_sentence_and_takes_no_memory(tmp_path, name):
    package = tmp_path / "p.tar.gz"
    package.write_bytes(HOSTILE[name]())
    tracemalloc.start()
    try:
        with pytest.raises(JobFailed, match=r"is damaged and cannot be unpacked: .+\.$"):
            unpacked(tmp_path, package)
        assert tracemalloc.get_traced_memory()[1] < LARGE
    finally:
        tracemalloc.stop()
    assert not (tmp_path / "staging").exists()


def test_a_stream_that_is_damaged_within_a_member_is_refused_with_a_sentence(tmp_path):
    package = tmp_path / "p.tar.gz"
    stream = zlib.compressobj(wbits=31)
    whole = stream.compress(block("file", tarfile.REGTYPE, b"x" * 100_000)[:50_000]) + stream.flush(zlib.Z_FULL_FLUSH)
    package.write_bytes(whole + b"\xff" * 100)
    with pytest.raises(JobFailed, match=r"is damaged and cannot be unpacked: .*invalid block type"):
        unpacked(tmp_path, package)


def test_a_description_without_a_version_or_with_entities_is_refused(tmp_path):
    (tmp_path / "ip_description.xml").write_text("<InstallationPackage/>")
    with pytest.raises(JobFailed, match="does not tell the version"):
        version_in(tmp_path)
    (tmp_path / "ip_description.xml").write_text('<!DOCTYPE x [<!ENTITY a "b">]><x/>')
    with pytest.raises(JobFailed, match="document type"):
        version_in(tmp_path)
