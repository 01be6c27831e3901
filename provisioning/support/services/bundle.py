"""Support bundles: everything that somebody needs to help with a pair, in one archive, without secrets."""

import hashlib
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from django.conf import settings
from django.utils import timezone

from provisioning.broker.secrets import known_secrets
from provisioning.core import permissions
from provisioning.core.moments import require_usable
from provisioning.core.permissions import Actor
from provisioning.core.redaction import SHORTEST, Redactor
from provisioning.core.text import file_word
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.models.applications import MASK
from provisioning.pairs.selectors.page import pair_rows

from .parts import PART_CHARACTERS, Part, Scope, parts

USUAL = timedelta(hours=24)
LONGEST = timedelta(days=92)
BUNDLE_BYTES = 96 * 1024 * 1024
"""Of text, before it is packed."""


@dataclass(frozen=True)
class Bundle:
    """``file`` is open at its beginning and goes away when it is closed; ``parts``: how many files are in it."""

    file: BinaryIO
    name: str
    size: int
    parts: int
    notes: tuple[str, ...]


def make_bundle(*, actor: Actor, application_id: int, since: datetime | None = None,
                until: datetime | None = None) -> Bundle:
    """A zip about the pair (or single server) of this primary in [``since``, ``until``), by default the last 24 hours;
    History says that it was made. Raises NotFound, and Refused for a time that cannot be, or when a secret would be
    in it."""
    actor.require(permissions.EXPORT)
    since, until = _time(since, until)
    primary, backup = pair_rows(application_id)
    redactor = Redactor(known_secrets([row for row in (primary, backup) if row],
                                      [row.host for row in (primary, backup) if row and row.host]))
    scope = Scope(primary, backup, since, until, actor.name, redactor)
    at = timezone.now()
    root = f"pairwise-support-{file_word(primary.name, 60)}-{at:%Y%m%d-%H%M%S}"
    file = tempfile.TemporaryFile(prefix="pairwise-support-")  # noqa: SIM115 the caller closes it
    try:
        count = _write(file, root, scope, at)
        _check(file, redactor)
        size = file.seek(0, 2)
        with history.atomic():
            history.record_verb(actor=actor, row=primary, reason=(
                f"Made a support bundle of {since.isoformat(timespec='minutes')} to "
                f"{until.isoformat(timespec='minutes')} ({size:,} bytes)."))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Bundle(file, f"{root}.zip", size, count, tuple(scope.notes))


def _time(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """Raises Refused for one that cannot be."""
    until = until or timezone.now()
    require_usable(until, "until")
    since = since or until - USUAL
    require_usable(since, "since")
    if since >= until:
        raise Refused(Refusal("The beginning is not before the end. Choose an earlier beginning or a later end.",
                              "since"))
    if until - since > LONGEST:
        raise Refused(Refusal(f"That is more than {LONGEST.days} days. Choose a shorter time.", "since"))
    return since, until


def _write(file: BinaryIO, root: str, scope: Scope, at: datetime) -> int:
    sums: list[str] = []
    index: list[Part] = []
    left = BUNDLE_BYTES
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        def put(path: str, text: str) -> int:
            body = text.encode(errors="replace")
            entry = zipfile.ZipInfo(f"{root}/{path}", date_time=at.timetuple()[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, body)
            sums.append(f"{hashlib.sha256(body).hexdigest()}  {path}\n")
            return len(body)

        for part in _bounded(parts(scope), scope):
            path = scope.redactor.exact(part.path)
            if left <= 0:
                scope.notes.append(f"{path} and what comes after it were left out: the bundle was full.")
                break
            left -= put(path, part.text)
            index.append(part)
        put("README.txt", scope.redactor.exact(_readme(scope, index, at)))
        put("SHA256SUMS", "".join(sums))
    return len(sums)


def _bounded(found: Iterable[Part], scope: Scope) -> Iterable[Part]:
    for part in found:
        if len(part.text) > PART_CHARACTERS:
            scope.notes.append(f"{part.path} was cut after {PART_CHARACTERS // 1024 // 1024} MB.")
            part = Part(part.path, part.about, part.text[:PART_CHARACTERS])
        yield part


def _readme(scope: Scope, index: list[Part], at: datetime) -> str:
    width = max((len(part.path) for part in index), default=0)
    lines = [
        f"Support bundle of {scope.name}", "", f"Made {at.isoformat(timespec='seconds')} by {scope.made_by}, "
        f"Pairwise {settings.PAIRWISE_VERSION}.", f"About the time from {scope.since.isoformat(timespec='seconds')} to "
        f"{scope.until.isoformat(timespec='seconds')}; what has no time is as it was when the bundle was made.", "",
        "What is inside:", "", *(f"  {part.path:{width}}  {part.about}" for part in index),
        f"  {'SHA256SUMS':{width}}  Checks that nothing was changed: sha256sum -c SHA256SUMS", "", "Secrets:", "",
        f"  Passwords, keys and tokens are not in here; {MASK} stands where one was. The bundle was searched for every",
        "  secret of these objects and of the console before it was handed out."]
    if scope.redactor.too_short:
        lines.append(f"  Values of fewer than {SHORTEST} characters could not be looked for; there are "
                     f"{scope.redactor.too_short}. Choose longer ones.")
    return "\n".join([*lines, "", *(["What was left out:", "", *(f"  {note}" for note in scope.notes), ""]
                                    if scope.notes else [])])


def _check(file: BinaryIO, redactor: Redactor) -> None:
    """Read it as whoever gets it will, and refuse it when a secret is in it."""
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            text = archive.read(entry).decode(errors="replace")
            if redactor.found_in(text) or redactor.found_in(entry.filename.partition("/")[2]):
                raise Refused(f"The bundle was not handed out: a secret would have been in {entry.filename}. Please "
                              "report that; nothing left the console.")
