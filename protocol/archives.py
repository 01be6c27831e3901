"""Reads a .tar.gz archive of which nothing is believed: what stands between its members is bounded before it is read.

tarfile reads the long name of a member and its pax header whole, of whatever size, believes every number in it, and
keeps all of it with the member. Here a pax header says a path, the target of a link and a size, and nothing else.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

EXTENDED_MAX = 1024**2
"""Bytes of one header that stands before a member."""
IN_A_ROW_MAX = 16
"""Such headers before one member. Each is read within the one before it."""
TEXTS_MAX = 16 * 1024**2
"""Characters of all names and targets of links together, which are kept."""
SIZE_MAX = 2**50
_BLOCK = 512
_EXTENDED = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
             tarfile.GNUTYPE_LONGLINK}


class UnreadableArchive(tarfile.TarError):
    """What makes it so. The text goes on a sentence."""


class _Member(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if not 0 <= member.size <= SIZE_MAX:
            raise UnreadableArchive("one of its members has no size that can be")
        if member.type == tarfile.GNUTYPE_SPARSE:
            raise UnreadableArchive("one of its members is a sparse file")
        if member.type in _EXTENDED and member.size > EXTENDED_MAX:
            raise UnreadableArchive(f"what stands before one of its members has more than {EXTENDED_MAX} bytes")
        return member

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        assert isinstance(archive, Archive)
        if archive.within > IN_A_ROW_MAX:
            raise UnreadableArchive(f"more than {IN_A_ROW_MAX} headers stand before one of its members")
        archive.within += 1
        try:
            member = super().fromtarfile(archive)
        finally:
            archive.within -= 1
        if not archive.within:
            archive.texts += len(member.name) + len(member.linkname)
            if archive.texts > TEXTS_MAX:
                raise UnreadableArchive(f"the names of its members have more than {TEXTS_MAX} characters")
        return member

    def _proc_pax(self, archive: "Archive") -> tarfile.TarInfo:
        """In place of tarfile's own, which calls it: the member that the pax header stands before."""
        assert archive.fileobj is not None
        data = archive.fileobj.read(_padded(self.size))[:self.size]
        said = dict(_records(data)) if self.type != tarfile.XGLTYPE else {}
        try:
            member = self.fromtarfile(archive)
        except tarfile.HeaderError as error:
            raise UnreadableArchive(str(error)) from None
        member.offset = self.offset
        member.name = said.get("path", member.name).rstrip("/")
        member.linkname = said.get("linkpath", member.linkname)
        if "size" in said:
            member.size = _size(said["size"])
            has_data = member.isreg() or member.type not in tarfile.SUPPORTED_TYPES
            archive.offset = member.offset_data + (_padded(member.size) if has_data else 0)
        return member


class Archive(tarfile.TarFile):
    tarinfo = _Member
    within, texts = 0, 0
    """Headers that are being read, and characters of the names so far."""

    @classmethod
    def of(cls, path: Path) -> Self:
        """Raises tarfile.TarError, OSError, EOFError and zlib.error, as everything that is read from it."""
        return cls.open(path, "r:gz")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """What we take of the records of a pax header, each ``LENGTH KEYWORD=VALUE`` and a line feed."""
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 10)
        length = data[at:blank] if blank > at else b""
        end = at + int(length) if length.isdigit() else at
        record = data[blank + 1:end]
        keyword, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not equals or not record.endswith(b"\n") or end > len(data):
            raise UnreadableArchive("what stands before one of its members is damaged")
        if keyword.startswith(b"GNU.sparse."):
            raise UnreadableArchive("one of its members is a sparse file")
        if keyword in (b"path", b"linkpath", b"size"):
            if b"\0" in value:
                raise UnreadableArchive("the name of one of its members cannot be")
            yield keyword.decode(), value.decode(errors="surrogateescape")
        at = end


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(SIZE_MAX)) and int(text) <= SIZE_MAX):
        raise UnreadableArchive("one of its members has no size that can be")
    return int(text)
