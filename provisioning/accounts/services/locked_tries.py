"""Sign-ins that are tried while they are locked: History tells of the first of a name at a place at once, of the others
once a minute how many they were. Until then they are counted in the memory of the process: strangers send as many as
they like, and must not cost a write each. All entries are within the bounds of ``sign_in_story``."""

import contextlib
import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from protocol.places import place_of
from provisioning.accounts.rules.sign_in import Lock, shown
from provisioning.history import history
from provisioning.states import SignInResult

from .sign_in_counts import count as count_sign_ins
from .sign_in_story import MOST, NO_USERS, SEVERAL, TOLD_EVERY, record, told_since

log = logging.getLogger(__name__)

KEPT = 1000
"""Names at places that are told apart; those beyond are counted together."""
OTHERS = (SEVERAL, "")


@dataclass
class _Counted:
    """``untold`` tries since ``told_at`` (monotonic, seconds)."""

    user_id: int | None
    told_at: float
    untold: int = 0


class LockedTries:
    """Of one process. ``clock``: seconds that only grow."""

    def __init__(self, clock=time.monotonic):
        self._clock, self._lock = clock, threading.Lock()
        self._counted: OrderedDict[tuple[str, str], _Counted] = OrderedDict()

    def tried(self, *, name: str, origin: str, lock: Lock) -> None:
        """Somebody tried ``name`` during ``lock``."""
        user = User.objects.filter(username=name).first()
        key = (user.get_username() if user else NO_USERS, place_of(origin))
        if self._is_first(key, user) and not _tell_first(user, shown(name, is_user=user is not None), origin, lock):
            self._count(key)

    def tell(self) -> None:
        """History gets what was counted TOLD_EVERY ago or longer; what it did not get is counted on. Raises whatever
        kept it from that."""
        due = self._take()
        if not due:
            return
        try:
            self._tell(due)
        except Exception:
            self._put_back(due)
            raise

    def _tell(self, due: list[tuple[tuple[str, str], _Counted]]) -> None:
        with history.atomic():
            room = max(0, MOST - told_since(timezone.now() - TOLD_EVERY))
            rest = due[room:] if len(due) > room else []
            for (name, place), counted in due[:len(due) - len(rest)]:
                _tell_more(counted.user_id, name, place, counted.untold)
            if rest:
                _tell_more(None, *OTHERS, sum(counted.untold for _, counted in rest))

    def _is_first(self, key: tuple[str, str], user: User | None) -> bool:
        """Whether nothing was told of it for TOLD_EVERY; else it is counted."""
        with self._lock:
            if key not in self._counted and len(self._counted) < KEPT:
                self._counted[key] = _Counted(user.pk if user else None, self._clock())
                return True
            if key not in self._counted:
                key = OTHERS
                self._counted.setdefault(key, _Counted(None, self._clock()))
            self._counted[key].untold += 1
            return False

    def _count(self, key: tuple[str, str]) -> None:
        with self._lock:
            if key in self._counted:
                self._counted[key].untold += 1

    def _put_back(self, due: list[tuple[tuple[str, str], _Counted]]) -> None:
        with self._lock:
            for key, counted in due:
                self._counted.setdefault(key, _Counted(counted.user_id, self._clock())).untold += counted.untold

    def _take(self) -> list[tuple[tuple[str, str], _Counted]]:
        """What is to be told, those with most first; what nobody has tried since it was told is forgotten."""
        before, due = self._clock() - TOLD_EVERY.total_seconds(), []
        with self._lock:
            for key, counted in list(self._counted.items()):
                if counted.told_at > before:
                    continue
                del self._counted[key]
                if counted.untold:
                    due.append((key, counted))
                    self._counted[key] = _Counted(counted.user_id, self._clock())
        return sorted(due, key=lambda each: -each[1].untold)


def _tell_first(user: User | None, name: str, origin: str, lock: Lock) -> bool:
    """Tell of it, unless strangers have filled their minute."""
    with history.atomic():
        if told_since(timezone.now() - TOLD_EVERY) >= MOST:
            return False
        record(user, name, origin, f"Was not looked at: it is locked until {lock.until:%H:%M} UTC.")
        count_sign_ins(SignInResult.LOCKED)
    return True


def _tell_more(user_id: int | None, name: str, place: str, count: int) -> None:
    user = User.objects.filter(pk=user_id).first() if user_id else None
    record(user, name, place, f"Was not looked at while it was locked, {count} time{'s' if count > 1 else ''} more.")
    count_sign_ins(SignInResult.LOCKED, count)


TRIES = LockedTries()


def tell_what_is_due() -> None:
    """For a thread of its own; what cannot be told now is tried again a minute later. Nothing that keeps it from that,
    the database or a key, ends the process."""
    try:
        TRIES.tell()
    except Exception as error:
        log.warning("sign-ins tried during a lock are not in History yet: %s: %s", type(error).__name__, error)
    finally:
        with contextlib.suppress(Exception):
            connection.close()
