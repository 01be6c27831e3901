"""A backup as a file: whole, private, and refused when something in it is not what was written."""

import gzip
import io
import tarfile

import pytest

from console.backup.archive import MANIFEST, Manifest, Reading, write
from console.backup.sealed import CannotOpen

KEY = "a key of some length"


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "content"
    (made / "files" / "tls").mkdir(parents=True)
    (made / "files" / "secret_key").write_text("the key")
    (made / "files" / "tls" / "ca.pem").write_bytes(b"\0" * 100_000)
    return made


def manifest() -> Manifest:
    return Manifest(version="1", at="2026-11-30T12:00:00+00:00", databases={"default": {"engine": "sqlite"}})


def written(place, directory, key="") -> None:
    write(place, directory, manifest(), key, lambda line: None)


@pytest.mark.parametrize("key", ["", KEY])
def test_what_goes_in_comes_out(tmp_path, directory, key):
    written(tmp_path / "backup", directory, key)
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600
    with Reading(tmp_path / "backup", key) as reading:
        assert reading.manifest.databases == {"default": {"engine": "sqlite"}}
        reading.unpack(tmp_path / "out")
    assert (tmp_path / "out/files/secret_key").read_text() == "the key"
    assert (tmp_path / "out/files/secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "out/files/tls/ca.pem").stat().st_size == 100_000
    assert not list(tmp_path.glob(".*"))


def test_with_a_key_nothing_of_it_can_be_read(tmp_path, directory):
    written(tmp_path / "backup", directory, KEY)
    with pytest.raises(CannotOpen, match="is encrypted: set PAIRWISE_BACKUP_KEY"), Reading(tmp_path / "backup", ""):
        pass


def test_no_file_is_written_over(tmp_path, directory):
    (tmp_path / "backup").write_text("mine")
    with pytest.raises(FileExistsError):
        written(tmp_path / "backup", directory)
    assert (tmp_path / "backup").read_text() == "mine"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("content", [b"", b"no backup", gzip.compress(b"no tar", mtime=0)])
def test_another_file_is_no_backup(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(CannotOpen, match="is no backup"), Reading(tmp_path / "other", ""):
        pass


def test_one_that_was_cut_off_is_refused(tmp_path, directory):
    written(tmp_path / "backup", directory)
    data = (tmp_path / "backup").read_bytes()
    (tmp_path / "cut").write_bytes(data[:len(data) * 2 // 3])
    with pytest.raises(CannotOpen), Reading(tmp_path / "cut", "") as reading:
        reading.check()


@pytest.mark.parametrize(("name", "content"), [
    ("files/secret_key", b"changed"), ("files/more", b"the key"), ("../outside", b"the key")])
def test_what_is_not_as_it_was_written_is_refused_and_nothing_goes_outside(tmp_path, directory, name, content):
    written(tmp_path / "backup", directory)
    with tarfile.open(tmp_path / "backup") as old, tarfile.open(tmp_path / "other", "w:gz") as new:
        head = old.getmember(MANIFEST)
        new.addfile(head, old.extractfile(head))
        about = tarfile.TarInfo(name)
        about.size = len(content)
        new.addfile(about, io.BytesIO(content))
    with pytest.raises(CannotOpen, match="cut off or changed"), Reading(tmp_path / "other", "") as reading:
        reading.unpack(tmp_path / "out")
    assert not (tmp_path / "outside").exists()


def test_one_of_a_newer_version_is_refused_with_a_sentence(tmp_path):
    body = b'{"version": "9", "at": "", "databases": {}, "format": 9}'
    with tarfile.open(tmp_path / "backup", "w:gz") as new:
        about = tarfile.TarInfo(MANIFEST)
        about.size = len(body)
        new.addfile(about, io.BytesIO(body))
    with pytest.raises(CannotOpen, match="made by a newer version"), Reading(tmp_path / "backup", ""):
        pass
