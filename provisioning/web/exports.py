"""Lists as files, sent while they are read: CSV for spreadsheets, JSON for programs."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db.models import Model, QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone

from provisioning.core.csv_cells import BOM, line

MOST, AT_ONCE = 10_000, 500
"""Rows of a file, and rows that are read at once."""
PART_CHARACTERS = 64 * 1024
Row = TypeVar("Row", bound=Model)
Cells = Mapping[str, Any]
"""A row of a file: {column: JSON value}."""


class Streamed(StreamingHttpResponse):
    """Parts that are read from the database while they are sent, off the event loop."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self.streaming_content
        if isinstance(content, AsyncIterator):
            raise TypeError("these parts are read in threads")
        while (part := await sync_to_async(partial(next, content, None))()) is not None:
            yield part


def gathered(parts: Iterable[str]) -> Iterator[str]:
    """The same text in fewer parts."""
    kept: list[str] = []
    length = 0
    for part in parts:
        kept.append(part)
        length += len(part)
        if length >= PART_CHARACTERS:
            yield "".join(kept)
            kept, length = [], 0
    if kept:
        yield "".join(kept)


@dataclass(frozen=True)
class Sheet:
    """``name`` of the file; ``noun``: what its rows are, in the plural; ``columns`` of every row."""

    name: str
    noun: str
    columns: Sequence[str]


def _json(sheet: Sheet, rows: Iterable[Cells]) -> Iterator[str]:
    """``complete`` is false where more rows match than a file takes."""
    yield f'{{"{sheet.noun}": ['
    count = 0
    for count, row in enumerate(rows, 1):
        if count <= MOST:
            yield f"{',' if count > 1 else ''}\n{json.dumps(dict(row), ensure_ascii=False)}"
    yield f'\n], "complete": {json.dumps(count <= MOST)}}}\n'


def _csv(sheet: Sheet, rows: Iterable[Cells]) -> Iterator[str]:
    yield BOM + line(sheet.columns)
    for count, row in enumerate(rows, 1):
        yield line([_cell(row[name]) for name in sheet.columns]) if count <= MOST else line(
            [f"More rows match than the {MOST} that a file takes."])


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


@dataclass(frozen=True)
class Format:
    content_type: str
    write: Callable[[Sheet, Iterable[Cells]], Iterator[str]]


FORMATS = {"csv": Format("text/csv; charset=utf-8", _csv), "json": Format("application/json", _json)}


def file_of(request, file_format: str, sheet: Sheet, rows: Callable[[], Iterable[Cells]]) -> HttpResponseBase:
    """What ``rows`` gives, at most one more than MOST, as a file; nothing is read for HEAD. Raises Http404."""
    chosen = FORMATS.get(file_format)
    if chosen is None:
        raise Http404("There is no such format.")
    headers = {"Content-Type": chosen.content_type, "Cache-Control": "no-store", "Content-Disposition": (
        f'attachment; filename="{sheet.name}-{timezone.localtime():%Y-%m-%d}.{file_format}"')}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    return Streamed(gathered(chosen.write(sheet, rows())), headers=headers)


def files_of(name: str, *args: object) -> list[tuple[str, str]]:
    """(format, address) of each file that the address ``name`` gives, for web/_files.html."""
    return [(each, reverse(name, args=[*args, each])) for each in FORMATS]


def newest_first(rows: "QuerySet[Row]", field: str, most: int = MOST + 1) -> Iterator[Row]:
    """The first ``most`` of ``rows`` in the falling order of ``field``, which no two rows have alike: some at a time,
    each from where the last ones ended."""
    part = rows.order_by(f"-{field}")
    while most > 0:
        found = list(part[:min(AT_ONCE, most)])
        yield from found
        most -= len(found)
        if len(found) < AT_ONCE:
            return
        part = rows.filter(**{f"{field}__lt": getattr(found[-1], field)}).order_by(f"-{field}")


def iso(at: datetime) -> str:
    """``2026-11-30T04:10:00.123Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
