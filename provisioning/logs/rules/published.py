"""Which log records events of the timeline and entries of History are. Pure."""

from collections.abc import Mapping

from protocol.events import Own, written
from protocol.log_records import AUDIT, LEVELS, TEXT_BYTES, LogRecord, numbered
from provisioning.history.kinds import LABELS
from provisioning.logs.facts import milliseconds
from provisioning.models import Event, HistoryEntry
from provisioning.states import EventLevel, HistoryAction

CONSOLE = "Pairwise"
"""Who says what is said of no application."""
SOURCE = "source"
"""The attribute of records that stand in the timeline as events, too (``messageserver.network``)."""


def of_event(event: Event) -> LogRecord:
    """``event`` with its application and host, as the record that its publisher would have sent; of those that
    were deleted it has the names."""
    application = event.application
    return LogRecord(
        number=numbered(event.number), level=event.level if event.level in LEVELS else EventLevel.STANDARD,
        application=event.application_shown or CONSOLE,
        type=application.get_type_display() if application else "",
        host=event.host_shown, at_ms=milliseconds(event.at), text=_cut(event.text),
        attributes={SOURCE: event.source})


def is_of_timeline(attributes: Mapping[str, str]) -> bool:
    """Whether the record with these ``attributes`` is of an event of the timeline, whoever published it. A client's,
    which has a login, never is."""
    return SOURCE in attributes and "login" not in attributes


def of_entry(entry: HistoryEntry) -> LogRecord:
    """What somebody did, without what it was before and after: that stays in History, with secrets masked."""
    said = {"user": entry.user_name, "origin": entry.origin, "action": entry.action, "object-type": entry.object_type,
            "object": entry.object_name, "request-id": entry.request_id, "entry": str(entry.number),
            "digest": entry.digest}
    return LogRecord(number=written(Own.DONE_BY_SOMEBODY), level=EventLevel.STANDARD, application=CONSOLE,
                     at_ms=milliseconds(entry.at), category=AUDIT, text=_cut(_done(entry)),
                     attributes={name: value for name, value in said.items() if value})


def _done(entry: HistoryEntry) -> str:
    who = entry.user_name or "Somebody"
    what = f"{LABELS.get(entry.object_type, entry.object_type).lower()} {entry.object_name}"
    if not entry.says_what:
        return f"{who}: {HistoryAction(entry.action).label.lower()} {what}. {entry.reason}".strip()
    is_own = (entry.object_type, entry.object_name) == ("user", entry.user_name)
    return f"{who}: {entry.reason}" if is_own else f"{who}, {what}: {entry.reason}"


def _cut(text: str) -> str:
    """Whole characters of it, as many as a record may have bytes."""
    return text.encode()[:TEXT_BYTES].decode(errors="ignore")
