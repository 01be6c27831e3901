"""A backup as a file: a compressed tar with ``manifest.json`` first, sealed where there is a key."""

import hashlib
import io
import json
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from console.backup.sealed import CannotOpen, Sealing, Unsealing, is_sealed
from protocol.files import sync_directory
from protocol.outside import read_json

MANIFEST, FORMAT = "manifest.json", 1
BLOCK = 2**20
MANIFEST_MAX = 64 * 2**20
DAMAGED = "This backup was cut off or changed: take another one."


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """``databases``: {alias: what ``databases.Dump`` says of it}; ``digests``: {path: SHA-256} of each other member."""

    version: str
    at: str
    databases: dict[str, Any]
    digests: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


def digest_of(file: Any) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def members(directory: Path) -> Iterator[tuple[str, Path]]:
    """(path within, path) of each file, in their order."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(directory)), path


def write(place: Path, directory: Path, manifest: Manifest, key: str, say: Callable[[str], None]) -> None:
    """Everything in ``directory`` as ``place`` (mode 0600), which is not there before and is whole afterwards. Raises
    OSError, FileExistsError too."""
    for name, path in members(directory):
        with open(path, "rb") as file:
            manifest.digests[name] = digest_of(file)
    beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            sealing = Sealing(file, key) if key else None
            _write_tar(cast(BinaryIO, sealing or file), directory, manifest)
            if sealing:
                sealing.finish()
            file.flush()
            os.fsync(file.fileno())
        say("Reading it back")
        with Reading(beside, key) as reading:
            reading.check()
        # A link takes no other file's place, as a rename would.
        os.link(beside, place)
        sync_directory(place.parent)
    finally:
        beside.unlink(missing_ok=True)


def _write_tar(stream: BinaryIO, directory: Path, manifest: Manifest) -> None:
    with tarfile.open(fileobj=stream, mode="w|gz", format=tarfile.PAX_FORMAT) as tar:
        body = json.dumps(asdict(manifest), indent=1).encode()
        head = tarfile.TarInfo(MANIFEST)
        head.size, head.mode = len(body), 0o600
        tar.addfile(head, io.BytesIO(body))
        for name, path in members(directory):
            about = tarfile.TarInfo(name)
            about.size, about.mode = path.stat().st_size, 0o600
            with open(path, "rb") as file:
                tar.addfile(about, file)


class Reading:
    """A backup that is read once, from its beginning. Raises CannotOpen, from ``with`` on."""

    def __init__(self, place: Path, key: str):
        self._place, self._key = place, key

    def __enter__(self) -> "Reading":
        try:
            self._file = open(self._place, "rb")
        except OSError as error:
            raise CannotOpen(f"{self._place} cannot be read ({error.strerror}): name a backup.") from None
        try:
            self._begin()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def _begin(self) -> None:
        stream: Any = self._file
        if is_sealed(self._file):
            if not self._key:
                raise CannotOpen(f"{self._place} is encrypted: set PAIRWISE_BACKUP_KEY or PAIRWISE_BACKUP_KEY_FILE to "
                                 "the key that it was made with.")
            stream = Unsealing(self._file, self._key)
        try:
            self._tar = tarfile.open(fileobj=stream, mode="r|gz")  # noqa: SIM115 - ends with the file
            head = self._tar.next()
            if head is None or head.name != MANIFEST or head.size > MANIFEST_MAX:
                raise CannotOpen(f"{self._place} is no backup of Pairwise.")
            self.manifest = _manifest(cast(BinaryIO, self._tar.extractfile(head)).read())
        except (tarfile.TarError, zlib.error, EOFError, OSError):
            raise CannotOpen(f"{self._place} is no backup of Pairwise, or was cut off.") from None

    def check(self) -> None:
        """Read everything."""
        self._each(lambda name, file: digest_of(file))

    def unpack(self, directory: Path) -> None:
        """Everything into ``directory``, for this account only."""
        def unpacked(name: str, file: Any) -> str:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
                shutil.copyfileobj(file, copy, BLOCK)
            with open(path, "rb") as copied:
                return digest_of(copied)

        self._each(unpacked)

    def _each(self, work: Callable[[str, Any], str]) -> None:
        wanted = dict(self.manifest.digests)
        try:
            while about := self._tar.next():
                parts = Path(about.name).parts
                if not about.isfile() or about.name not in wanted or ".." in parts or about.name.startswith("/"):
                    raise CannotOpen(DAMAGED)
                if work(about.name, self._tar.extractfile(about)) != wanted.pop(about.name):
                    raise CannotOpen(DAMAGED)
        except (tarfile.TarError, zlib.error, EOFError):
            raise CannotOpen(DAMAGED) from None
        if wanted:
            raise CannotOpen(DAMAGED)


def _manifest(body: bytes) -> Manifest:
    try:
        manifest = Manifest(**read_json(body))
    except (ValueError, TypeError):
        raise CannotOpen("This backup was made by a newer version of Pairwise: restore it with that one.") from None
    if manifest.format != FORMAT:
        raise CannotOpen("This backup was made by a newer version of Pairwise: restore it with that one.")
    return manifest
