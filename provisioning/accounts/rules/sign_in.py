"""When sign-ins are locked, for whom and for how long; what is kept of a name that is no user. Pure.

A lock must stop whoever guesses, and must not be a way to keep a user out. So what fails counts where it comes from:

* HERE: as one user name from one place. A success there ends it for this name alone.
* PLACE: from one place as whatever names.
* NAME: as one user name from whatever places: many machines together guess no more than one.

PLACE and NAME count and stop strangers only. A place where the user has signed in within FAMILIAR_FOR is familiar and
has its own count (HERE), which nobody elsewhere adds to; for NAME the console's own machine is familiar too. What fails
while a lock lasts is not looked at and does not count, so that nobody can make it last longer.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

HERE, PLACE, NAME = "here", "place", "name"
LIMITS = {HERE: 5, PLACE: 30, NAME: 20}
"""So many failures lock."""
LOCKED_FOR = timedelta(minutes=15)
"""After the last failure that counts; those before count for as long."""
FAMILIAR_FOR = timedelta(days=30)
GOOD_FOR = timedelta(hours=24)
"""So long a password for one sign-in waits for it."""
SHOWN_OF_A_NAME = 2
SERVICE_ACCOUNT = "This is a service account: a program uses its API tokens, and nobody signs in as it."
WORDS = {
    HERE: "There were too many failed sign-ins with this user name from your address.",
    PLACE: "There were too many failed sign-ins from your address.",
    NAME: "There were too many failed sign-ins with this user name from many addresses. Sign in from where you have "
          "signed in lately, or from the console's own machine.",
}


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What is known of one name at one place: failures that were counted, when the last try was, when the last one
    that was let in."""

    name_key: str
    place: str
    failures: int = 0
    tried_at: datetime
    signed_in_at: datetime | None = None

    def counted(self, now: datetime) -> int:
        return self.failures if self.tried_at > now - LOCKED_FOR else 0

    def is_familiar(self, now: datetime) -> bool:
        return bool(self.signed_in_at and self.signed_in_at > now - FAMILIAR_FOR)


@dataclass(frozen=True)
class Lock:
    """``kind`` is one of LIMITS; ``failures`` from so many ``places`` led to it."""

    kind: str
    until: datetime
    failures: int
    places: int

    @property
    def words(self) -> str:
        return WORDS[self.kind]


def lock_of(tried: Iterable[Tried], *, name_key: str, place: str, now: datetime) -> Lock | None:
    """What keeps this name from signing in at this place now; None for nothing. ``tried`` has everything of that name
    and everything of that place."""
    tried = list(tried)
    own = [each for each in tried if (each.name_key, each.place) == (name_key, place)]
    if lock := _lock(HERE, own, now):
        return lock
    if any(each.is_familiar(now) for each in own):
        return None
    strange = [each for each in tried if not each.is_familiar(now)]
    of_name = None if is_this_machine(place) else name_lock(strange, name_key=name_key, now=now)
    return _lock(PLACE, [each for each in strange if each.place == place], now) or of_name


def name_lock(tried: Iterable[Tried], *, name_key: str, now: datetime) -> Lock | None:
    """What keeps this name from signing in at strange places now."""
    return _lock(NAME, [each for each in tried if each.name_key == name_key and not each.is_familiar(now)
                        and not is_this_machine(each.place)], now)


def here_locks(tried: Iterable[Tried], *, now: datetime) -> list[tuple[Tried, Lock]]:
    """Each name that is locked at one place, with its lock."""
    return [(each, lock) for each in tried if (lock := _lock(HERE, [each], now))]


def place_locks(tried: Iterable[Tried], *, now: datetime) -> list[tuple[str, Lock]]:
    """Each place that is locked for those who are strange there, with its lock."""
    places: dict[str, list[Tried]] = {}
    for each in tried:
        if not each.is_familiar(now):
            places.setdefault(each.place, []).append(each)
    return [(place, lock) for place, rows in sorted(places.items()) if (lock := _lock(PLACE, rows, now))]


def _lock(kind: str, tried: list[Tried], now: datetime) -> Lock | None:
    counting = [each for each in tried if each.counted(now)]
    failures = sum(each.counted(now) for each in counting)
    if failures < LIMITS[kind]:
        return None
    return Lock(kind, max(each.tried_at for each in counting) + LOCKED_FOR, failures,
                len({each.place for each in counting}))


def is_this_machine(place: str) -> bool:
    try:
        return ipaddress.ip_address(place).is_loopback
    except ValueError:
        return False


def name_key(key: bytes, name: str) -> str:
    """What stands for ``name``: it may be a password that was typed into the wrong field."""
    return hmac.new(key, name.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def shown(name: str, *, is_user: bool) -> str:
    """``name`` as History has it. One that is no user is cut: of a password that was typed into the wrong field it
    keeps next to nothing, of a misspelt name enough to ask its owner."""
    if is_user:
        return name
    return f"{name[:min(SHOWN_OF_A_NAME, len(name) // 4)]}… (no such user)"


def minutes_left(until: datetime, now: datetime) -> int:
    """Whole minutes, 1 at least."""
    return max(1, -(-int((until - now).total_seconds()) // 60))


def why_not_good(*, good_until: datetime | None, used_at: datetime | None, now: datetime) -> str:
    """Why a password that was made for one sign-in is not good for it (any more); "" when it is."""
    if used_at is None and good_until is not None and now < good_until:
        return ""
    why = "has been used" if used_at is not None else "was not used within 24 hours"
    return f"This password was good for one sign-in and {why}. Ask an Administrator for another one (Reset Password)."
