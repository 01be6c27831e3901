"""What is looked for among log records, and where a search stands. Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

LEVELS_SHOWN = {"alarm": "Alarm", "standard": "Standard", "interaction": "Interaction", "trace": "Trace"}
CATEGORIES_SHOWN = {"application": "Application", "audit": "Audit"}


@dataclass(frozen=True)
class Query:
    """Records that have all of this. ``since`` and ``until``: Unix time in milliseconds, [since, until); ``event``: a
    number without its type. ``application`` and ``host`` are names or parts of names, ``text`` a part of the text;
    ``members`` are whole names, of which a record has one."""

    since: int | None = None
    until: int | None = None
    level: str = ""
    event: int | None = None
    application: str = ""
    host: str = ""
    category: str = ""
    text: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class Cursor:
    """A place in the order of records, newest first: what comes next is older than this. The greater one is newer."""

    at: int
    id: int

    def __str__(self) -> str:
        return f"{self.at}-{self.id}"

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """None for what no page wrote."""
        at, _, key = text.partition("-")
        is_one = all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (at, key))
        return cls(int(at), int(key)) if is_one else None


def moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def milliseconds(at: datetime) -> int:
    """Unix time."""
    return int(at.timestamp() * 1000)


def iso(at_ms: int) -> str:
    """``2026-11-30T04:10:00.123Z``."""
    return moment(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact(query: Query, *, application: bool, host: bool) -> tuple[dict[str, str | int], Query]:
    """({column: value} that an index answers, what is left of ``query`` for every row to be looked at). ``application``
    and ``host``: whether what was typed is a whole name."""
    found: dict[str, str | int] = {}
    if query.level:
        found["level"] = query.level
    if query.host and host:
        found["host"] = query.host
    if query.application and application:
        found["application"] = query.application
    if query.event is not None:
        found["event"] = query.event
    left = replace(query, level="", event=None, application="" if application else query.application,
                   host="" if host else query.host)
    return found, left
