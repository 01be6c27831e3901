"""Log records as files, without secrets."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioning.core.csv_cells import BOM, line
from provisioning.core.redaction import Redactor
from provisioning.logbook.models import Record
from provisioning.logs.selectors.records import Found

from .facts import iso
from .shown import COLUMNS, values

ATTRIBUTES = "attributes"


@dataclass(frozen=True)
class Format:
    content_type: str
    write: Callable[[Found, Redactor], str]


def cleaned(row: Record, redactor: Redactor) -> dict[str, Any]:
    """All of a record that files have of it."""
    return {**redactor.value(values(row)), ATTRIBUTES: redactor.value(row.attributes)}


def _json(found: Found, redactor: Redactor) -> str:
    return json.dumps({"complete": found.next is None,
                       "looked_back_to": iso(found.looked_to.at) if found.looked_to else None,
                       "records": [cleaned(row, redactor) for row in found.rows]}, ensure_ascii=False, indent=1)


def _csv(found: Found, redactor: Redactor) -> str:
    lines = [line((*COLUMNS, ATTRIBUTES))]
    for row in found.rows:
        cells = cleaned(row, redactor)
        lines.append(line([*(cells[name] for name in COLUMNS), json.dumps(cells[ATTRIBUTES], ensure_ascii=False)]))
    return BOM + "".join(lines)


FORMATS = {"csv": Format("text/csv; charset=utf-8", _csv), "json": Format("application/json", _json)}
