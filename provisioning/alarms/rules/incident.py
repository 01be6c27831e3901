"""What happened around an alarm, in a few short sentences made of the events of its story. Pure.

The texts are those of control (``control.narration``, ``control.transitions``, ``control.decide``).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import dropwhile

from protocol.events import KINDS, Own
from provisioning.alarms.facts import HOST_DISCONNECTED
from provisioning.alarms.rules.planned import FLAPPING, PLANNED_STOP
from provisioning.core.text import duration

ENDED, STARTED, CANNOT_SERVE, UNKNOWN, HANGS, HOST_BACK = 5024, 5093, 5094, 5095, 5160, 8001
BEFORE = timedelta(seconds=15)
"""What went wrong and led to an alarm was told within that before it."""
SENTENCES_MOST = 8


@dataclass(frozen=True)
class Said:
    """An event; ``name`` of the application, else of the host, that it is about."""

    number: int
    at: datetime
    name: str
    text: str


@dataclass
class Course:
    """How far the telling is: ``wrong`` names what is not as it should be."""

    sentences: list[str] = field(default_factory=list)
    times: Counter[tuple[int, str]] = field(default_factory=Counter)
    wrong: set[str] = field(default_factory=set)


def incident(events: Iterable[Said], raised_at: datetime) -> str:
    """Sentences about ``events``, in the order in which they happened, from what led to the alarm until all is well; ""
    where none of them says anything of that."""
    told = [event for event in events if event.number in _TELLS]
    began = min((event.at for event in told if event.number in _BREAKS and raised_at - BEFORE <= event.at <= raised_at),
                default=raised_at)
    # What ended well before anything went wrong belongs to another story.
    told = list(dropwhile(lambda event: event.number in _ENDS_WELL, (event for event in told if event.at >= began)))
    course = _course(told, raised_at)
    often = [f"{name} ended {times} times in all." for (number, name), times in course.times.items()
             if number == ENDED and times > 1]
    return " ".join([*_short(course.sentences), *often])


def _course(told: Sequence[Said], raised_at: datetime) -> Course:
    """Through the one around the alarm: what was well again before it was raised is told only where nothing follows."""
    course, first, is_over = Course(), None, False
    for event in told:
        if is_over and event.number not in _HEALS:
            if event.number not in _BREAKS and event.at < raised_at:
                continue
            course, first, is_over = Course(), None, False
        first = first or event
        _tell(course, event, "" if event is first else _after(event.at - first.at))
        is_over = is_over or (not course.wrong and event.number in _HEALS)
        if is_over and event.at >= raised_at:
            break
    return course


def _after(span: timedelta) -> str:
    """A failover takes tenths of a second, or less."""
    if span < timedelta(milliseconds=1):
        return " at once"
    if span < timedelta(seconds=0.1):
        return f" after {span // timedelta(milliseconds=1)} ms"
    return f" after {span.total_seconds():.1f} s" if span < timedelta(minutes=1) else f" after {duration(span)}"


def _tell(course: Course, event: Said, after: str) -> None:
    who = _who(event)
    course.times[event.number, who] += 1
    was_wrong = who in course.wrong
    if event.number in _BREAKS:
        course.wrong.add(who)
    elif event.number == Own.IN_SYNC or (event.number in _HEALS and "(Backup)" not in event.text):
        course.wrong.discard(who)
    if course.times[event.number, who] == 1 and (sentence := _TELLS[event.number](event, who, after, was_wrong)):
        course.sentences.append(sentence)


def _who(event: Said) -> str:
    """Whom it is about: what concerns a pair says so in its text; "" where it concerns both members alike, in whose
    timelines it stands."""
    pattern = _NAMES.get(event.number)
    found = re.match(pattern, event.text) if pattern else None
    return found[1] if found else "" if event.number in _OF_PAIR else event.name


_OF_PAIR = frozenset({FLAPPING, *(int(number) for number, kind in KINDS.items() if kind.of_pair)})
_NAMES: dict[int, str] = {
    Own.ROLE_CHANGED: r"(.+?) is the active server", Own.IN_SYNC: r"(.+?) has everything that",
    Own.OUT_OF_SYNC: r"(.+?) goes on alone", Own.SERVES_AGAIN: r"(.+?) serves"}


def _reason(text: str) -> str:
    """The first sentence of what follows the first colon, without its full stop, "" for none; with the colon."""
    reason = text.partition(": ")[2].partition(". ")[0].rstrip(". ")
    return f": {reason}" if reason else ""


def _is_back(event: Said, who: str, after: str, was_wrong: bool) -> str:
    return f"{who} {'came back and ' if was_wrong else ''}was in sync{after}."


def _is_started(event: Said, who: str, after: str, was_wrong: bool) -> str:
    """Of one that stands by it is told when it is in sync."""
    return f"{who} was Started again{after}." if was_wrong and "(Backup)" not in event.text else ""


_TELLS: dict[int, Callable[[Said, str, str, bool], str]] = {
    ENDED: lambda event, who, after, _: f"{who} ended{after}{_reason(event.text)}.",
    PLANNED_STOP: lambda event, who, after, _: f"{who} was stopped as asked{after}.",
    CANNOT_SERVE: lambda event, who, after, _: f"{who} could not serve{after}{_reason(event.text)}.",
    UNKNOWN: lambda event, who, after, _: f"{who} became Unknown{after}{_reason(event.text)}.",
    HANGS: lambda event, who, after, _: f"{who} hung{after}.",
    STARTED: _is_started,
    HOST_DISCONNECTED: lambda event, who, after, _: f"Host {who} was lost{after}.",
    HOST_BACK: lambda event, who, after, was_wrong: f"Host {who} came back{after}." if was_wrong else "",
    FLAPPING: lambda event, who, after, _: f"The active server changed too often{after}.",
    Own.GAVE_UP: lambda event, who, after, _: f"Auto-Restart gave up on {who}{after}.",
    Own.ROLE_CHANGED: lambda event, who, after, _: f"{who} took over{after}.",
    Own.OUT_OF_SYNC: lambda event, who, after, _: f"{who} went on alone{after}{_reason(event.text)}.",
    Own.IN_SYNC: _is_back,
    Own.NOBODY_SERVES: lambda event, who, after, _: "Nobody served then." if after else "Nobody served any more.",
    Own.SERVES_AGAIN: lambda event, who, after, _: f"{who} served again{after}.",
    Own.DISPUTED: lambda event, who, after, _: f"Nothing was decided any more{after}.",
}
_BREAKS = frozenset({ENDED, CANNOT_SERVE, UNKNOWN, HANGS, HOST_DISCONNECTED, int(Own.GAVE_UP)})
_HEALS = frozenset({STARTED, HOST_BACK, int(Own.IN_SYNC)})
_ENDS_WELL = _HEALS | {int(Own.SERVES_AGAIN)}


def _short(sentences: Sequence[str]) -> list[str]:
    more = len(sentences) - SENTENCES_MOST
    return [*sentences[:SENTENCES_MOST], *([f"{more} more things happened, as listed below."] if more > 0 else [])]
