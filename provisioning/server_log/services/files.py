"""A server's log as a file to keep."""

import time
from dataclasses import dataclass

from django.utils import timezone

from provisioning.applications.selectors.applications import get_application
from provisioning.core import permissions
from provisioning.core.permissions import Actor
from provisioning.core.text import file_word
from provisioning.errors import Refusal, Refused
from provisioning.history import history
from provisioning.models import Application
from provisioning.server_log.facts import Lines, size
from provisioning.server_log.selectors import read, redactor_of

MOST_BYTES = 8 * 1024 * 1024
TAKES_S = 20.0


@dataclass(frozen=True)
class Download:
    name: str
    body: bytes


def download(*, actor: Actor, application_id: int, file: str) -> Download:
    """The newest MOST_BYTES of a log file without secrets, as far as they are read within TAKES_S; History says so.
    Raises NotFound, and Refused when it cannot be read."""
    actor.require(permissions.EXPORT)
    row = get_application(application_id)
    pages = _pages(row, file)
    body = "".join(f"{line}\n" for page in reversed(pages) for line in page.lines).encode(errors="replace")
    left_out = pages[-1].begins
    name, at = pages[0].file, timezone.now()
    rest = f", without the {size(left_out)} before them" if left_out else ""
    with history.atomic():
        history.record_verb(actor=actor, row=row, reason=f"Downloaded {size(len(body))} of the log {name}{rest}.")
    return Download(f"{file_word(row.name, 60)}-{file_word(name.rsplit('/', 1)[-1], 60)}-{at:%Y%m%d-%H%M%S}.log", body)


def _pages(row: Application, file: str) -> list[Lines]:
    """The newest first, each with what stands before the one before it."""
    until, redactor = time.monotonic() + TAKES_S, redactor_of(row)
    pages: list[Lines] = []
    while not pages or (pages[-1].begins and pages[0].ends - pages[-1].begins < MOST_BYTES
                        and time.monotonic() < until):
        before = pages[-1].begins if pages else None
        answer = read(row, file=pages[0].file if pages else file, before=before, redactor=redactor)
        if answer.lines is None:
            raise Refused(Refusal(answer.trouble))
        if pages and answer.lines.of != pages[0].of:
            # The server closed it meanwhile and began another one: what was read is whole by itself.
            break
        pages.append(answer.lines)
    return pages
