"""What the reader of log records decides: where to go on, and what is kept of a message. Pure."""

import json
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import NamedTuple

from protocol.events import number_in
from protocol.log_records import APPLICATION, AUDIT, CATEGORIES, LEVELS, NO_NUMBER, PREFIX, LogRecord, read
from protocol.said import legible
from provisioning.logbook.models import NAME_CHARACTERS, NUMBER_CHARACTERS, TYPE_CHARACTERS

SHOWN_CHARACTERS = 200
"""So much of what is no log record is kept, for people to see what it was."""
LATEST_MS = 7_258_118_400_000
"""The year 2200: a record that says it is of a later time, or of none, counts as of when it was received."""
_JSON = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True)
class Position:
    """The last record that was read, both 0 before the first."""

    epoch: int = 0
    seq: int = 0


@dataclass(frozen=True)
class Opening:
    """How a subscription begins: with the first ``seq`` wanted. ``known``: the record that has to come first, when the
    log is still the one that was read before."""

    from_seq: int
    known: Position | None = None


def opening(position: Position, last_seq: int) -> Opening:
    """``last_seq``: the newest message of the server. One that has less than what was read has another log: it was made
    anew, or messages of it were given up."""
    if not position.seq or last_seq < position.seq:
        return Opening(1)
    return Opening(position.seq, position)


class First(Enum):
    """What the first message of a subscription says."""

    KNOWN = auto()
    """It was read before: the log goes on from there."""
    NEW = auto()
    ANOTHER_LOG = auto()
    """What was read before is not in this log: all of it is to be read, and what is known already left out."""


def first(opened: Opening, at: Position, first_seq: int) -> First:
    """``at``: the first message that came; ``first_seq``: the oldest that the server keeps."""
    if opened.known is None:
        return First.NEW
    if at == opened.known:
        return First.KNOWN
    return First.NEW if first_seq > opened.known.seq else First.ANOTHER_LOG


def removed(position: Position, first_seq: int) -> int:
    """How many messages the server removed before they were read, log records or not."""
    return max(0, first_seq - position.seq - 1) if position.seq else 0


class Row(NamedTuple):
    """A row of ``logbook.models.Record`` without its pair, in the order of its columns."""

    epoch: int
    seq: int
    at: int
    received: int
    level: str
    number: str
    event: int
    category: str
    application: str
    type: str
    host: str
    text: str
    attributes: str


def row_of(destination: str, headers: Mapping[str, str], body: bytes, names: Container[str] = frozenset()
           ) -> tuple[Row, bool]:
    """What is kept of a message, and whether it was a log record; else it is one that says what was wrong with it.
    ``names`` are those that a client may not take for its own (``attributed``). Raises KeyError, ValueError for a
    MESSAGE without the headers that every server sets."""
    place = Position(int(headers["epoch"]), int(headers["seq"]))
    received = min(max(0, int(headers.get("timestamp") or 0)), LATEST_MS)
    try:
        record, is_readable = read(destination, headers, body), True
    except ValueError as error:
        record, is_readable = _unreadable(destination, headers, body, str(error)), False
    return _row(attributed(record, headers.get("login", ""), names), place, received), is_readable


def attributed(record: LogRecord, login: str, names: Container[str]) -> LogRecord:
    """``record`` as it counts that a client sent with this ``login``, "" for one of the console's own publishers: one
    that takes a name of ``names`` (as ``seen``), or one that looks the same, that is not its own is of its login."""
    if not login:
        return record
    if seen(record.application) not in names or record.application == login:
        return replace(record, attributes=record.attributes | {"login": login})
    return replace(record, application=login,
                   attributes=record.attributes | {"login": login, "named": record.application})


def seen(name: str) -> str:
    """What people tell ``name`` by on a page: whatever its case, and without what cannot be seen there."""
    if not name.isascii():
        name = "".join(each for each in unicodedata.normalize("NFKC", name) if each.isprintable())
    return " ".join(name.split()).casefold()


def believed(rows: Sequence[Row], *, is_chosen: bool) -> Sequence[Row]:
    """``rows`` of a pair as they count: the console publishes what people did to the pair that it chose, and to no
    other, so a server of another one that says it said so itself."""
    if is_chosen or all(row.category != AUDIT for row in rows):
        return rows
    return [row._replace(category=APPLICATION) for row in rows]


def _unreadable(destination: str, headers: Mapping[str, str], body: bytes, why: str) -> LogRecord:
    level = destination.removeprefix(PREFIX)
    begins = body[:4 * SHOWN_CHARACTERS].decode(errors="replace")
    shown = f" It begins with: {legible(begins, SHOWN_CHARACTERS)}" if begins else ""
    return LogRecord(number="", level=level if level in LEVELS else "standard",
                     application=headers.get("application", ""), host=headers.get("host", ""),
                     type=headers.get("type", ""),
                     text=f"A message to {legible(destination, SHOWN_CHARACTERS)} is no log record: {why}{shown}")


def _row(record: LogRecord, place: Position, received: int) -> Row:
    """Such that every database takes it, whatever is in it."""
    return Row(
        epoch=place.epoch, seq=place.seq, at=record.at_ms if 0 < record.at_ms <= LATEST_MS else received,
        received=received, level=record.level,
        number="" if record.number == NO_NUMBER else legible(record.number, NUMBER_CHARACTERS),
        event=event_of(record.number),
        category=record.category if record.category in CATEGORIES else CATEGORIES[0],
        application=legible(record.application, NAME_CHARACTERS), type=legible(record.type, TYPE_CHARACTERS),
        host=legible(record.host, NAME_CHARACTERS), text=legible(record.text),
        attributes=_JSON.encode({legible(name, NAME_CHARACTERS): legible(value)
                                 for name, value in record.attributes.items()}))


def event_of(number: str) -> int:
    """The number of an event without its type, 0 when there is none."""
    try:
        return number_in(number)
    except ValueError:
        return 0
