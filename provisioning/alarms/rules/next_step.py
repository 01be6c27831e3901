"""What is done next about an alarm, as the one button beside it: pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from protocol.events import Own

PROCESS_ENDED, SERVICE_UNAVAILABLE, HOST_DISCONNECTED = 5024, 5094, 8000


class Verb(StrEnum):
    """START starts an application; the others open the page of a pair, of a host or of the alarm itself."""

    START = "start"
    PAIR = "pair"
    HOST = "host"
    ALARM = "alarm"


@dataclass(frozen=True)
class Server:
    """``ended``: no process of it runs."""

    id: int
    name: str
    ended: bool


@dataclass(frozen=True)
class Concerned:
    """What an alarm is about, as far as it is still there: ``own`` is its application, ``other`` the other member of
    the pair of which ``pair`` is the primary, ``host`` the key of the host where no application is concerned."""

    own: Server | None = None
    other: Server | None = None
    pair: int | None = None
    host: int | None = None


NOTHING = Concerned()


@dataclass(frozen=True)
class NextStep:
    """``key``: of the pair, host or alarm that is opened; ``starts``: what is started. ``label`` stands on the button;
    ``of`` is what it is about, where that does not say it to who hears nothing else of the line."""

    verb: Verb
    label: str
    of: str = ""
    key: int = 0
    starts: tuple[Server, ...] = ()


Way = Callable[[Concerned], NextStep | None]


def _start_own(about: Concerned) -> NextStep | None:
    own = about.own
    return NextStep(Verb.START, "Start", own.name, starts=(own,)) if own is not None and own.ended else None


def _start_missing(about: Concerned) -> NextStep | None:
    """The member that is stopped while the other one runs, whichever the alarm names."""
    ended = _ended(about)
    return NextStep(Verb.START, f"Start {ended[0].name}", starts=ended) if len(ended) == 1 else None


def _start_both(about: Concerned) -> NextStep | None:
    ended = _ended(about)
    if len(ended) < 2:
        return None
    return NextStep(Verb.START, "Start both", " and ".join(each.name for each in ended), starts=ended)


def _ended(about: Concerned) -> tuple[Server, ...]:
    return tuple(each for each in (about.own, about.other) if each is not None and each.ended)


def _open_pair(about: Concerned) -> NextStep | None:
    return None if about.pair is None else NextStep(Verb.PAIR, "Open the pair", key=about.pair)


def _open_host(about: Concerned) -> NextStep | None:
    return None if about.host is None else NextStep(Verb.HOST, "Open the host", key=about.host)


WAYS: dict[int, tuple[Way, ...]] = {
    Own.GAVE_UP: (_start_own,),
    PROCESS_ENDED: (_start_own,),
    Own.OUT_OF_SYNC: (_start_missing, _open_pair),
    Own.NOBODY_SERVES: (_start_both, _start_missing, _open_pair),
    SERVICE_UNAVAILABLE: (_open_pair,),
    Own.DISPUTED: (_open_pair,),
    HOST_DISCONNECTED: (_open_host,),
}
"""{number of the event that raised it: what is tried, first to last}. Of any other alarm its own page is opened."""


def next_step(number: int, alarm_id: int, about: Concerned) -> NextStep:
    for way in WAYS.get(number, ()):
        if step := way(about):
            return step
    return NextStep(Verb.ALARM, "Open", key=alarm_id)
