"""Log records of a pair as lines of JSON, without secrets: the newest first, as many as a part of a bundle holds."""

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError

from provisioning.core.database_trouble import AWAY, LOG, Trouble
from provisioning.core.database_version import trouble_with
from provisioning.core.redaction import Redactor
from provisioning.logbook.models import ALIAS, Record
from provisioning.logs.facts import milliseconds
from provisioning.logs.files import cleaned
from provisioning.logs.rules.published import CONSOLE
from provisioning.logs.selectors.records import newest
from provisioning.logs.selectors.setting import NONE_CHOSEN, chosen

RECORDS_MAX = 50_000


@dataclass(frozen=True)
class Whose:
    """Records of ``applications``, and of ``hosts`` those that are about no application: whole names."""

    applications: tuple[str, ...]
    hosts: tuple[str, ...]
    since: datetime
    until: datetime

    def newest(self) -> Iterator[Record]:
        since, until = milliseconds(self.since), milliseconds(self.until)
        found = [newest(application=name, since=since, until=until) for name in self.applications]
        found += [newest(application=CONSOLE, host=name, since=since, until=until) for name in self.hosts]
        return heapq.merge(*found, key=lambda row: (-row.at, -row.pk))


def log_lines(whose: Whose, redactor: Redactor, *, characters: int) -> tuple[str, list[str]]:
    """(at most so many characters of whole lines, sentences about what is not there)."""
    notes: list[str] = []
    lines: list[str] = []
    if chosen().log_to_id is None:
        notes.append(f"{NONE_CHOSEN} Nothing that was told meanwhile is here.")
    try:
        for line in _lines(whose.newest(), redactor):
            characters -= len(line)
            if characters < 0 or len(lines) == RECORDS_MAX:
                notes.append(f"Only the newest {len(lines):,} are here: there were more in that time.")
                break
            lines.append(line)
        else:
            if not lines:
                notes.append("There are none of that time.")
    except DatabaseError as error:
        said = (trouble_with(error, ALIAS) or Trouble(AWAY)).sentence_of(LOG)
        notes.append(f"{said[:-1]}, so what it has is not here.")
    return "".join(lines), notes


def _lines(rows: Iterable[Record], redactor: Redactor) -> Iterator[str]:
    return (json.dumps(cleaned(row, redactor), ensure_ascii=False) + "\n" for row in rows)
