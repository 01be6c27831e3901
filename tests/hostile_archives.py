"""Archives of somebody who wants the reader to fall over: all of them are to be refused with a sentence.

``HOSTILE`` has what makes each of them: who only collects tests does not wait until all are packed.
"""

import gzip
import io
import tarfile
from functools import partial

MEGABYTE = 1024**2


def header(name: str, size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def block(name: str, kind: bytes, data: bytes) -> bytes:
    return header(name, len(data), kind) + data + b"\0" * (-len(data) % 512)


def record(keyword: bytes, value: bytes) -> bytes:
    rest, length = b" " + keyword + b"=" + value + b"\n", 0
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def packed(*parts: bytes) -> bytes:
    """The parts, a file behind them and the end of an archive."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as zipped:
        for part in parts:
            zipped.write(part)
        zipped.write(block("file", tarfile.REGTYPE, b"x") + b"\0" * 1024)
    return out.getvalue()


def with_records(*records: tuple[bytes, bytes], kind: bytes = tarfile.XHDTYPE) -> bytes:
    return packed(block("pax", kind, b"".join(record(*each) for each in records)))


def of_zeros(kind: bytes) -> bytes:
    return packed(header("x", 100 * MEGABYTE, kind), *[bytes(MEGABYTE)] * 100)


def sparse_without_end() -> bytes:
    """Old GNU sparse: each block says that another one follows."""
    first = bytearray(header("sparse", 0, tarfile.GNUTYPE_SPARSE))
    first[482], first[148:156] = 1, b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    return packed(bytes(first), *[(b"00000000001\0" * 42 + b"\1" * 8) * 2048] * 20)


HOSTILE = {
    **{f"100 MB in a header of type {kind.decode()}": partial(of_zeros, kind) for kind in (
        tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)},
    "a long list of holes": sparse_without_end,
    **{f"{keyword} is {value[:10]!r}": partial(with_records, (keyword.encode(), value)) for keyword, value in (
        ("GNU.sparse.size", b"abc"), ("GNU.sparse.realsize", b"abc"), ("GNU.sparse.map", b"a,b"),
        ("GNU.sparse.size", b"9" * 5000), ("size", b"9" * 5000), ("size", b"9" * 30), ("size", b"-100000000000"),
        ("size", b"\xc2\xb2"), ("path", b"a\0b"), ("linkpath", b"a\0b"))},
    "sparse 1.0": partial(with_records, (b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")),
    "a negative size": partial(packed, header("x", -512, tarfile.REGTYPE)),
    "a size beyond all files": partial(packed, header("x", 2**80, tarfile.REGTYPE)),
    "1000 headers in a row": lambda: packed(*[block("pax", tarfile.XHDTYPE, record(b"a", b"b"))] * 1000),
    "1000 long names in a row": lambda: packed(*[block("long", tarfile.GNUTYPE_LONGNAME, b"b\0")] * 1000),
    "digits alone": lambda: packed(block("pax", tarfile.XHDTYPE, b"1" * MEGABYTE)),
    "a record of no length": partial(packed, block("pax", tarfile.XHDTYPE, b"0 a=b\n")),
    "a record that goes on behind its header": partial(packed, block("pax", tarfile.XHDTYPE, b"999 path=b\n")),
    "names of 50 MB together": lambda: packed(*[
        block("long", tarfile.GNUTYPE_LONGNAME, b"a" * MEGABYTE) + block("x", tarfile.REGTYPE, b"")] * 50),
}
LARGE = 30 * MEGABYTE
"""More than any of them may take of the memory."""
