"""Installation Packages: import and delete. Files lie under settings.PAIRWISE_PACKAGES_DIR, named by content."""

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction

from provisioning.catalog.package_file import PackageFileError, read_package
from provisioning.catalog.stored import UNFINISHED
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.drafts import PackageDraft
from provisioning.errors import Link, NotFound, Refusal, Refused
from provisioning.history import history
from provisioning.models import InstallationPackage, Job
from provisioning.states import ACTIVE_JOBS, JobKind

MAX_BYTES = 512 * 1024 * 1024
LEFT_S = 3600.0
"""A file that nobody has written for so long belongs to a process that was killed while it imported one."""
_CHUNK = 1024 * 1024


def import_package(*, actor: Actor, file_name: str, stream: BinaryIO) -> InstallationPackage:
    """Check a package and keep it. The same content again returns what is there. Raises Refused.

    ``stream`` is read to its end in chunks, at most MAX_BYTES.
    """
    actor.require(permissions.IMPORT)
    directory = Path(settings.PAIRWISE_PACKAGES_DIR)
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1] or "The file"
    temporary = None
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        _remove_leftovers(directory)
        with tempfile.NamedTemporaryFile(dir=directory, prefix=UNFINISHED, delete=False) as file:
            temporary = Path(file.name)
            sha256, size = _read(stream, file.write)
            file.flush()
            os.fsync(file.fileno())
        return _keep(actor, temporary, sha256, size)
    except PackageFileError as error:
        raise _unreadable(name, error) from None
    except OSError as error:
        raise Refused(Refusal(f"{name} could not be stored in {directory}: {error.strerror or error}. Make room, "
                              "or let the account of the console write there, then import it again. "
                              "PAIRWISE_PACKAGES_DIR names another directory.", "file")) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _remove_leftovers(directory: Path) -> None:
    for path in directory.glob(f"{UNFINISHED}*"):
        # Another process may do the same.
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > LEFT_S:
                path.unlink()


def check_package(path: Path) -> tuple[InstallationPackage, bool]:
    """(the row that importing the file at ``path`` gives, whether it is there already); nothing is kept. Raises
    Refused."""
    try:
        with open(path, "rb") as file:
            sha256, size = _read(file)
        row = _known(sha256)
        return row or InstallationPackage(**asdict(_draft(path, sha256, size))), row is not None
    except PackageFileError as error:
        raise _unreadable(path.name, error) from None


def _unreadable(name: str, error: PackageFileError) -> Refused:
    return Refused(Refusal(f"{name} cannot be imported. {error}", "file"))


def _read(stream: BinaryIO, keep: Callable[[bytes], Any] = lambda chunk: None) -> tuple[str, int]:
    """(SHA-256, bytes) of all of it; ``keep`` gets every chunk."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > MAX_BYTES:
            raise PackageFileError(f"It is larger than {MAX_BYTES // 1024**2} MB.")
        digest.update(chunk)
        keep(chunk)
    return digest.hexdigest(), size


def _known(sha256: str) -> InstallationPackage | None:
    row = InstallationPackage.objects.filter(sha256=sha256).first()
    return row if row is not None and _path_of(sha256).exists() else None


def _draft(path: Path, sha256: str, size: int) -> PackageDraft:
    facts = read_package(path)
    return PackageDraft(name=facts.name, nickname=facts.nickname, type=facts.type, version=facts.version,
                        locale=facts.locale, os_type=facts.os_type, description=facts.description, sha256=sha256,
                        size=size)


def _keep(actor: Actor, temporary: Path, sha256: str, size: int) -> InstallationPackage:
    row = _known(sha256)
    if row is not None:
        return row
    draft = _draft(temporary, sha256, size)
    # The name is the content, so a file without a row (this process ends here) is simply used the next time.
    temporary.chmod(0o640)
    os.replace(temporary, _path_of(sha256))
    return _add(actor, draft)


@history.atomic()
def _add(actor: Actor, draft: PackageDraft, reason: str = "", key: int | None = None) -> InstallationPackage:
    """The row of a package whose file is in its place."""
    # Somebody may have imported the same file at the same moment.
    row = InstallationPackage.objects.filter(sha256=draft.sha256).first()
    if row is not None:
        return row
    row = InstallationPackage.objects.create(pk=key, path=_path_of(draft.sha256).name, **asdict(draft))
    history.record(actor=actor, row=row, before=None, after=history.snapshot(row), reason=reason)
    changes.tell("packages")
    return row


def package_refusals(draft: PackageDraft, row: InstallationPackage | None) -> list[Refusal]:
    """What stands against having a package again whose row is gone: its file is deleted with it."""
    path = _path_of(draft.sha256)
    existing = InstallationPackage.objects.filter(sha256=draft.sha256).first()
    if row is not None:
        return []
    if existing is not None:
        return [Refusal(f"{existing} was imported again already.", "",
                        (Link("package", str(existing.pk), str(existing)),))]
    if path.is_file() and path.stat().st_size == draft.size:
        return []
    return [Refusal("The file of this Installation Package was deleted with it. Import the file again; the right one "
                    f"has {draft.size} bytes and the SHA-256 {draft.sha256}.")]


def create_package(*, actor: Actor, draft: PackageDraft, reason: str = "",
                   key: int | None = None) -> InstallationPackage:
    """Have a deleted package again whose file is still stored. Raises Refused."""
    actor.require(permissions.IMPORT)
    refusals, path = package_refusals(draft, None), _path_of(draft.sha256)
    if not refusals:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != draft.sha256:
                refusals = [Refusal("The stored file has another content by now. Import the package again.")]
    if refusals:
        raise Refused(*refusals)
    return _add(actor, draft, reason, key)


def _path_of(sha256: str) -> Path:
    return Path(settings.PAIRWISE_PACKAGES_DIR) / f"{sha256}.tar.gz"


@history.atomic()
def delete_package(*, actor: Actor, package_id: int, reason: str = "") -> None:
    """Delete a package and its file. Refused while a job installs it."""
    actor.require(permissions.IMPORT)
    row = InstallationPackage.objects.filter(pk=package_id).first()
    if row is None:
        raise NotFound("This Installation Package does not exist any more.")
    job = Job.objects.filter(kind=JobKind.INSTALL, state__in=ACTIVE_JOBS, arguments__package__id=row.pk).first()
    if job is not None:
        raise Refused(Refusal(f"{row} cannot be deleted while a job installs it.", "",
                              (job.link,)))
    history.record(actor=actor, row=row, before=history.snapshot(row), after=None, reason=reason)
    path = Path(settings.PAIRWISE_PACKAGES_DIR) / row.path
    row.delete()
    changes.tell("packages")
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
