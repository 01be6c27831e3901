"""Installation Packages: read safely, kept once."""

import io
import os
import tarfile
import tracemalloc

import pytest

from provisioning.catalog.package_file import MAX_DESCRIPTION, PackageFileError, parse_description, read_package
from provisioning.catalog.services import packages as services
from provisioning.catalog.stored import UNFINISHED
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.models import HistoryEntry, InstallationPackage
from tests.factories import ADMINISTRATOR, OPERATOR, make_application, make_host, make_job
from tests.hostile_archives import HOSTILE, LARGE

XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<InstallationPackage FormatVersion="4.0">
  <Product License="NotRequired" AppClass="MessageServer">
    <Release Version="8.5.100.01" BuildDate="2026-11-22" BuildNumber="1" Type="Regular"/>
    <Name><Long>Message Server</Long><Nickname>MessageServer</Nickname></Name>
    <Language LocaleId="ENU"><Name>English (US)</Name></Language>
    <Description>Accepts, stores
       and delivers messages.</Description>
  </Product>
  <Platforms OSGroupName="linux"><Computer Type="x86"><OS Name="Linux" CfgOSType="CFGLinux"/></Computer></Platforms>
</InstallationPackage>"""


SUMS = ("checksums.sha256", b"")


def archive(*members, description=XML):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        described = (("ip_description.xml", description), SUMS) if description is not None else ()
        for name, content in described + members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "package.tar.gz"
        path.write_bytes(content)
        return read_package(path)
    return read


def test_description_is_read(read):
    facts = read(archive(("MessageServer", b"#!/bin/sh\n"), ("lib/x.py", b"")))
    assert (facts.name, facts.nickname, facts.version, facts.type) == (
        "Message Server", "MessageServer", "8.5.100.01", "MessageServer")
    assert (facts.locale, facts.os_type, facts.description) == (
        "ENU", "Linux", "Accepts, stores and delivers messages.")


@pytest.mark.parametrize("content", [b"", b"not an archive", archive()[:-20], b"\x1f\x8b" + b"x" * 100])
def test_what_is_no_archive_is_refused(read, content):
    with pytest.raises(PackageFileError, match=r"no readable \.tar\.gz"):
        read(content)


def test_package_without_description_is_refused(read):
    with pytest.raises(PackageFileError, match="no Installation Package"):
        read(archive(("inner/ip_description.xml", XML), description=None))


def test_a_package_that_hosts_would_refuse_as_it_has_no_checksums_is_refused_at_once(read, monkeypatch):
    monkeypatch.setitem(globals(), "SUMS", ("lib/checksums.sha256", b""))
    with pytest.raises(PackageFileError, match=r"no checksums\.sha256 at its top level"):
        read(archive())


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "lib/../../evil"])
def test_member_outside_of_the_package_is_refused(read, name):
    with pytest.raises(PackageFileError, match="outside"):
        read(archive((name, b"x")))


def test_a_member_outside_whose_name_nobody_can_write_is_told_by_what_can_be_written(read):
    with pytest.raises(PackageFileError, match="outside") as refused:
        read(archive(("../\udcff", b"x")))
    str(refused.value).encode()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_with_a_sentence_and_takes_no_memory(read, name):
    content = HOSTILE[name]()
    tracemalloc.start()
    try:
        with pytest.raises(PackageFileError, match=r"no readable \.tar\.gz"):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < LARGE
    finally:
        tracemalloc.stop()


def test_description_that_is_a_link_or_too_large_is_refused(read):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        link = tarfile.TarInfo("ip_description.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(PackageFileError, match="must be a file"):
        read(buffer.getvalue())
    with pytest.raises(PackageFileError, match="must be a file"):
        read(archive(description=b" " * (MAX_DESCRIPTION + 1)))


@pytest.mark.parametrize(("old", "new", "word"), [
    (b"<InstallationPackage ", b"<Other ", "well-formed"), (b"8.5.100.01", b"", "no version"),
    (b"8.5.100.01", b"../8", "no version"), (b'AppClass="MessageServer"', b"", "AppClass"),
    (b'AppClass="MessageServer"', b'AppClass="Teapot"', "AppClass"), (b"CFGLinux", b"CFGBeOS", "operating system"),
    (b"Product", b"Produce", "no InstallationPackage"),
    (b'<?xml version="1.0" encoding="UTF-8"?>', b'<!DOCTYPE a [<!ENTITY x "y">]>', "document type"),
    (b'<?xml version="1.0" encoding="UTF-8"?>', b'<!DOCTYPE a SYSTEM "file:///etc/passwd">', "document type"),
    (b"UTF-8", b"KLINGON", "well-formed"),
])
def test_description_that_does_not_say_what_it_is_is_refused(old, new, word):
    with pytest.raises(PackageFileError, match=word):
        parse_description(XML.replace(old, new))


def test_empty_description_is_refused():
    with pytest.raises(PackageFileError, match="well-formed"):
        parse_description(b"")


@pytest.fixture
def directory(tmp_path, settings):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"
    return settings.PAIRWISE_PACKAGES_DIR


def keep(content, name="IP.tar.gz", actor=ADMINISTRATOR):
    return services.import_package(actor=actor, file_name=name, stream=io.BytesIO(content))


@pytest.mark.django_db
class TestImport:
    def test_package_is_kept_under_its_content(self, directory):
        content = archive()
        row = keep(content)
        assert (row.type, row.version, row.size) == ("MessageServer", "8.5.100.01", len(content))
        assert [path.name for path in directory.iterdir()] == [f"{row.sha256}.tar.gz"]
        assert (directory / row.path).read_bytes() == content
        assert HistoryEntry.objects.get().object_type == "package"

    def test_same_content_again_is_the_same_package(self, directory):
        content = archive()
        assert keep(content) == keep(content, "other-name.tar.gz")
        assert (InstallationPackage.objects.count(), len(list(directory.iterdir()))) == (1, 1)

    def test_file_that_was_lost_is_put_back(self, directory):
        content = archive()
        row = keep(content)
        (directory / row.path).unlink()
        assert keep(content) == row
        assert (directory / row.path).read_bytes() == content

    def test_refused_package_leaves_nothing_behind(self, directory):
        with pytest.raises(Refused, match=r"^bad\.tar\.gz cannot be imported"):
            keep(b"rubbish", "C:\\fakepath\\bad.tar.gz")
        assert list(directory.iterdir()) == []
        assert not InstallationPackage.objects.exists()

    def test_what_a_process_that_was_killed_has_left_is_removed_by_the_next_import(self, directory):
        directory.mkdir()
        left, at_work = directory / f"{UNFINISHED}left", directory / f"{UNFINISHED}now"
        for path in (left, at_work):
            path.touch()
        os.utime(left, (0, 0))
        row = keep(archive())
        assert {path.name for path in directory.iterdir()} == {at_work.name, f"{row.sha256}.tar.gz"}

    def test_too_large_package_is_refused_while_it_is_read(self, directory, monkeypatch):
        monkeypatch.setattr(services, "MAX_BYTES", 1000)
        with pytest.raises(Refused, match="larger than"):
            keep(archive(("big", bytes(range(256)) * 100 + b"x" * 10_000_000)) + b"x" * 2000)
        assert list(directory.iterdir()) == []

    def test_directory_that_cannot_be_written_is_a_sentence(self, tmp_path, settings):
        (tmp_path / "file").write_text("")
        settings.PAIRWISE_PACKAGES_DIR = tmp_path / "file" / "packages"
        with pytest.raises(Refused, match="could not be stored"):
            keep(archive())

    def test_operators_do_not_import(self, directory):
        with pytest.raises(NotAllowed):
            keep(archive(), actor=OPERATOR)

    def test_delete_removes_row_and_file(self, directory, django_capture_on_commit_callbacks):
        row = keep(archive())
        with django_capture_on_commit_callbacks(execute=True):
            services.delete_package(actor=ADMINISTRATOR, package_id=row.pk)
        assert list(directory.iterdir()) == []
        with pytest.raises(NotFound):
            services.delete_package(actor=ADMINISTRATOR, package_id=row.pk)

    def test_package_that_is_being_installed_is_not_deleted(self, directory):
        row = keep(archive())
        make_job(make_application(host=make_host()), kind="install", state="running",
                 arguments={"package": {"id": row.pk}})
        with pytest.raises(Refused, match="while a job installs it"):
            services.delete_package(actor=ADMINISTRATOR, package_id=row.pk)
