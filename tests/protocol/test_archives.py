"""Archives of which nothing is believed, and those that everybody makes."""

import io
import tarfile
import tracemalloc

import pytest

from protocol.archives import Archive, UnreadableArchive
from tests.hostile_archives import HOSTILE, LARGE, with_records


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_takes_no_memory(tmp_path, name):
    path = tmp_path / "p.tar.gz"
    path.write_bytes(HOSTILE[name]())
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableArchive), Archive.of(path) as archive:
            list(archive)
        assert tracemalloc.get_traced_memory()[1] < LARGE
    finally:
        tracemalloc.stop()


LONG, ODD = "directory/" * 30 + "file", "größe-\N{HAIR SPACE}/名"


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_usual_programs_write_is_read_as_it_is(tmp_path, form):
    path = tmp_path / "p.tar.gz"
    names = [ODD, "lib/x.py"] if form == tarfile.USTAR_FORMAT else [LONG, ODD, "lib/x.py"]
    with tarfile.open(path, "w:gz", format=form, pax_headers={"comment": "made here"}) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(name), 1.5, 0o755
            info.mtime = 1.5 if form == tarfile.PAX_FORMAT else 1
            archive.addfile(info, io.BytesIO(b"x" * len(name)))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, names[0]
        archive.addfile(link)
    with Archive.of(path) as archive:
        members = archive.getmembers()
        assert [each.name for each in members] == [*names, "link"]
        assert [archive.extractfile(each).read() for each in members[:-1]] == [b"x" * len(name) for name in names]
    assert (members[-1].issym(), members[-1].linkname) == (True, names[0])


def test_a_size_in_a_pax_header_is_where_the_next_member_begins(tmp_path):
    path = tmp_path / "p.tar.gz"
    path.write_bytes(with_records((b"size", b"1"), (b"path", b"named/"), (b"mtime", b"nan"), (b"uid", b"9" * 5000)))
    with Archive.of(path) as archive:
        [member] = archive
        assert (member.name, archive.extractfile(member).read()) == ("named", b"x")
