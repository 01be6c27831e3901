"""The words of a message, and what a webhook gets. Pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from protocol.events import written
from provisioning.notifications.facts import AlarmFact
from provisioning.states import AlarmCategory, AlarmEnd, Told

MOST_LISTED, MOST_SENT = 30, 100
"""So many alarms are lines of a message, and so many stand in what a webhook gets; how many there are is always
said."""
SUBJECT_CHARACTERS, TEXT_CHARACTERS = 200, 2000
TYPES = {Told.RAISED: "alarm.raised", Told.REPEATED: "alarm.repeated", Told.CLEARED: "alarm.cleared",
         Told.DIGEST: "alarm.digest", Told.TEST: "test"}
"""{what is told: ``type`` of what a webhook gets}."""
_FLAT = ("application", "host", "pair", "condition", "category", "number", "text", "url")


@dataclass(frozen=True)
class Composed:
    """``alarms``: the numbers of those that it tells of."""

    told: Told
    subject: str
    text: str
    payload: dict[str, Any]
    alarms: tuple[int, ...]
    at: datetime


def new_message_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


def compose(told: Told, alarms: Sequence[AlarmFact], *, at: datetime, zone: tzinfo = UTC) -> Composed:
    """One message about ``alarms``, of which there is at least one; times in its text are those of ``zone``."""
    if len(alarms) == 1 and told != Told.DIGEST:
        subject, text = _subject(told, alarms[0]), _text(alarms[0], zone)
    else:
        subject, text = _headline(told, alarms), _lines(alarms, zone)
    subject = _short(" ".join(subject.split()), SUBJECT_CHARACTERS)
    data: dict[str, Any] = {
        "text": text, "count": len(alarms), "alarms": [as_sent(alarm) for alarm in alarms[:MOST_SENT]]}
    if len(alarms) == 1:
        data = {name: data["alarms"][0][name] for name in _FLAT} | {"subject": subject} | data | {
            "text": alarms[0].text}
    else:
        data["subject"] = subject
    return Composed(told, subject, text, _payload(told, at, data), tuple(alarm.id for alarm in alarms), at)


def test_message(channel: str, who: str) -> Composed:
    """Sent because somebody wants to see whether it arrives."""
    subject = _short(f"Test of the channel {channel}", SUBJECT_CHARACTERS)
    text = (f"This is a test of the channel {channel} of Pairwise, asked for by {who}. Nothing has happened, and "
            "nothing has to be done.")
    at = datetime.now(UTC)
    return Composed(Told.TEST, subject, text, _payload(Told.TEST, at, {
        "subject": subject, "text": text, "count": 0, "alarms": []}), (), at)


def as_sent(alarm: AlarmFact) -> dict[str, Any]:
    """An alarm in what a webhook gets: times in UTC, ``cleared_at`` None while it is active.
    ``cleared_how`` is a value of AlarmEnd, ``cleared_by`` who did it by hand."""
    return {
        "id": alarm.id, "condition": alarm.condition, "category": alarm.category, "application": alarm.application,
        "host": alarm.host, "pair": alarm.pair, "number": written(alarm.number),
        "text": _short(alarm.text, TEXT_CHARACTERS), "raised_at": _iso(alarm.raised_at),
        "cleared_at": None if alarm.cleared_at is None else _iso(alarm.cleared_at), "times": alarm.times,
        "cleared_how": alarm.cleared_how, "cleared_by": alarm.cleared_by, "clear_reason": alarm.clear_reason,
        "url": alarm.url}


def _payload(told: Told, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": TYPES[told], "timestamp": _iso(at), "data": data}


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest - 1]}…"


def _name(alarm: AlarmFact) -> str:
    about = alarm.application or (f"host {alarm.host}" if alarm.host else "")
    return f"{about}: {alarm.condition}" if about else alarm.condition


def _category(alarm: AlarmFact) -> str:
    return AlarmCategory(alarm.category).label if alarm.category in AlarmCategory.values else alarm.category


def _subject(told: Told, alarm: AlarmFact) -> str:
    """"Critical: MS_P: Application Failure"; what it tells stands before it where that is not that it was raised."""
    what = "" if told == Told.RAISED else f"{told.label}: "
    over = " (cleared already)" if alarm.cleared_at is not None and told != Told.CLEARED else ""
    return f"{what}{_category(alarm)}: {_name(alarm)}{over}"


def _text(alarm: AlarmFact, zone: tzinfo) -> str:
    rows = [("Application", alarm.application), ("Host", alarm.host), ("Pair", alarm.pair),
            ("Event", written(alarm.number)), ("Raised", _clock(alarm.raised_at, zone)),
            ("Times", str(alarm.times) if alarm.times > 1 else "")]
    if alarm.cleared_at is not None:
        rows += [("Cleared", _clock(alarm.cleared_at, zone)), ("Cleared by", alarm.cleared_by or _how(alarm)),
                 ("Reason", alarm.clear_reason)]
    lines = [f"{_category(alarm)} alarm{' cleared' if alarm.cleared_at else ''}: {alarm.condition}",
             _short(alarm.text, TEXT_CHARACTERS),
             "", *(f"{label}: {value}" for label, value in rows if value), *([alarm.url] if alarm.url else [])]
    return "\n".join(lines).replace("\n\n\n", "\n\n")


def _how(alarm: AlarmFact) -> str:
    return AlarmEnd(alarm.cleared_how).label if alarm.cleared_how in AlarmEnd.values else ""


def _headline(told: Told, alarms: Sequence[AlarmFact]) -> str:
    """"Critical: MS_P: Nobody Serves, and 11 more": the gravest, of these one that is active, of these the first."""
    order = [*AlarmCategory.values]
    first = min(alarms, key=lambda alarm: (
        order.index(alarm.category) if alarm.category in order else len(order), alarm.cleared_at is not None,
        alarm.raised_at))
    more = f", and {len(alarms) - 1} more" if len(alarms) > 1 else ""
    return f"{_subject(told, first)}{more}"


def _lines(alarms: Sequence[AlarmFact], zone: tzinfo) -> str:
    ended = sum(alarm.cleared_at is not None for alarm in alarms)
    lines = [f"{len(alarms)} alarms, {ended} of them cleared." if ended else f"{len(alarms)} alarms."]
    lines += [f"{_clock(alarm.raised_at, zone)}  {_category(alarm)}  {_name(alarm)}"
              f"{'  (cleared)' if alarm.cleared_at else ''}" for alarm in alarms[:MOST_LISTED]]
    if len(alarms) > MOST_LISTED:
        lines.append(f"{len(alarms) - MOST_LISTED} more are not listed here.")
    return "\n".join(lines)


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"
