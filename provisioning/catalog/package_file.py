"""Installation Packages: what a ``.tar.gz`` says about itself, read without unpacking it (domain.md 6.1)."""

import re
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from protocol.archives import Archive
from provisioning.states import FORMER_TYPES, ApplicationType, OSType

DESCRIPTION, CHECKSUMS = "ip_description.xml", "checksums.sha256"
MAX_DESCRIPTION, MAX_MEMBERS, MAX_UNPACKED, MAX_TRAILER = 256 * 1024, 20_000, 4 * 1024**3, 1024**2
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}\Z")


class PackageFileError(ValueError):
    """The file is no Installation Package. The text is a sentence."""


@dataclass(frozen=True, kw_only=True)
class PackageDescription:
    name: str
    nickname: str
    version: str
    type: str
    locale: str
    os_type: str
    description: str


def read_package(path: Path) -> PackageDescription:
    """Open a package, read its ``ip_description.xml`` and nothing else. Raises PackageFileError, OSError."""
    try:
        with Archive.of(path) as archive:
            content = _description_of(archive)
            _read_to_end(archive)
            return parse_description(content)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise PackageFileError(f"The file is no readable .tar.gz archive ({error}). Copy it again.") from None
    except OSError as error:
        # gzip reports a damaged stream as an OSError without a number; a disk fault has one.
        if error.errno is not None:
            raise
        raise PackageFileError(f"The file is no readable .tar.gz archive ({error}). Copy it again.") from None


def _description_of(archive: tarfile.TarFile) -> bytes:
    found, unpacked, has_checksums = None, 0, False
    for count, member in enumerate(archive):
        unpacked += member.size
        if count >= MAX_MEMBERS or unpacked > MAX_UNPACKED:
            raise PackageFileError(f"The archive is too large: at most {MAX_MEMBERS} files and {MAX_UNPACKED} bytes.")
        name = member.name.removeprefix("./")
        if name.startswith("/") or ".." in name.split("/"):
            raise PackageFileError(f"The archive holds {name[:80]!r}, which lies outside of it. It is not safe to "
                                   "install.")
        has_checksums = has_checksums or (name == CHECKSUMS and member.isreg())
        if name == DESCRIPTION:
            if not member.isreg() or member.size > MAX_DESCRIPTION:
                raise PackageFileError(f"{DESCRIPTION} must be a file of at most {MAX_DESCRIPTION} bytes.")
            if file := archive.extractfile(member):
                found = file.read(MAX_DESCRIPTION)
    if found is None:
        raise PackageFileError(f"The archive has no {DESCRIPTION} at its top level, so it is no Installation Package.")
    if not has_checksums:
        raise PackageFileError(f"The archive has no {CHECKSUMS} at its top level. Hosts compare each file with it and "
                               "would refuse the package. Use the package as its maker published it.")
    return found


def _read_to_end(archive: tarfile.TarFile) -> None:
    """The checksum of the stream stands at its end, behind what tarfile looks at."""
    rest = 0
    while chunk := archive.fileobj.read(1024 * 1024):
        rest += len(chunk)
        if rest > MAX_TRAILER:
            raise PackageFileError("The archive goes on long after its end.")


def parse_description(content: bytes) -> PackageDescription:
    """The description that the XML spells. Document types and entities are refused. Raises PackageFileError."""
    root = _parse_xml(content)
    product = root.find("Product") if root.tag == "InstallationPackage" else None
    if product is None:
        raise PackageFileError(f"{DESCRIPTION} has no InstallationPackage with a Product.")
    release, language = product.find("Release"), product.find("Language")
    version = (release.get("Version") or "") if release is not None else ""
    if not _VERSION.match(version):
        raise PackageFileError(f'{DESCRIPTION}: Release Version "{version[:40]}" is missing or no version.')
    kind = product.get("AppClass") or ""
    kind = FORMER_TYPES.get(kind, kind)
    if kind not in ApplicationType.values:
        raise PackageFileError(f'{DESCRIPTION}: AppClass "{kind[:40]}" is no application type. '
                               f"Known: {', '.join(ApplicationType.values)}.")
    name = _text(product, "Name/Long") or _text(product, "Name/Nickname")
    if not name:
        raise PackageFileError(f"{DESCRIPTION} does not name the product (Name/Long).")
    system = root.find("Platforms/Computer/OS")
    os_type = (system.get("CfgOSType") or system.get("Name") or "") if system is not None else ""
    return PackageDescription(
        name=name[:255], nickname=(_text(product, "Name/Nickname") or name)[:64], version=version, type=kind,
        locale=((language.get("LocaleId") or "") if language is not None else "")[:16] or "ENU",
        os_type=_os_type(os_type), description=_text(product, "Description")[:4000],
    )


def _os_type(text: str) -> str:
    for value in OSType.values:
        if text.casefold() in (value.casefold(), f"cfg{value}".casefold()):
            return value
    if not text or "linux" in text.casefold():
        return OSType.LINUX
    raise PackageFileError(f'{DESCRIPTION}: operating system "{text[:40]}" is unknown. '
                           f"Known: {', '.join(OSType.values)}.")


def _text(product: ElementTree.Element, path: str) -> str:
    element = product.find(path)
    return " ".join((element.text or "").split()) if element is not None else ""


def _parse_xml(content: bytes) -> ElementTree.Element:
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    # Without a document type there are no entities, so nothing can be expanded or fetched.
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(content, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, ValueError, LookupError) as error:
        if isinstance(error, PackageFileError):
            raise
        raise PackageFileError(f"{DESCRIPTION} is no well-formed XML ({error}).") from None


def _refuse_doctype(*_) -> None:
    raise PackageFileError(f"{DESCRIPTION} declares a document type. Remove it; entities are not read.")
