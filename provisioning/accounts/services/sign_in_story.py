"""What History tells of sign-ins that failed. Whoever fails is a stranger, and a flood of failures must not fill it.

A failure is told at once when nothing was told of its place within TOLD_EVERY, or when it locks the place; the others
are counted and told once that is over. All strangers together get MOST entries in TOLD_EVERY, and one that counts the
rest. A lock of a user is told always: there are few, as what fails during a lock does not count.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from protocol.events import Own
from provisioning.accounts.rules.sign_in import HERE, NAME, PLACE, Lock, shown
from provisioning.accounts.selectors.sign_ins import TOKENS, name_key
from provisioning.core import events
from provisioning.core.permissions import Actor
from provisioning.history import history
from provisioning.models import HistoryEntry, SignInTry
from provisioning.states import HistoryAction

TOLD_EVERY = timedelta(minutes=1)
MOST = 20
ROWS_AT_ONCE = 500
"""More wait for the next time; those of most failures come first."""
NO_USERS, SEVERAL, A_TOKEN = "names that are no users", "several names", "API token"
STRANGER = "not signed in"
"""Who did it, as History has it; no user can have that name."""


def tell_failure(row: SignInTry, *, name: str, user: User | None, origin: str, why: str, lock: Lock | None,
                 now: datetime) -> None:
    """Tell of the failure that ``row`` counts now, within the transaction that runs, or leave it for later."""
    if not _may_tell(row.place, user, lock, now):
        return
    reason = f"Was not let in: {_cause(user, why)}." if lock is None else _locked(lock, name if user else "")
    record(user, shown(name, is_user=user is not None), origin, reason)
    _told([row], now)


def tell_refused_token(row: SignInTry, *, owner: User | None, origin: str, why: str, until: datetime | None,
                       now: datetime) -> None:
    """Tell of the refusal of an API token that ``row`` counts now, of ``owner`` where it is known whose it is, or leave
    it for later. ``until``: when the lock of the address ends that it leads to."""
    recently = now - TOLD_EVERY
    was_told = row.told_at is not None and row.told_at > recently
    if told_since(recently) >= MOST or (until is None and was_told):
        return
    locks = "" if until is None else f" {row.failures} were refused from there: locked until {until:%H:%M:%S} UTC."
    record(owner, owner.get_username() if owner else A_TOKEN, origin, f"A token was refused. {why}{locks}")
    if not was_told:
        events.of_console(Own.TOKENS_REFUSED, f"An API token was refused from {origin}. {why}{locks}", at=now).save()
    _told([row], now)


def tell_counted(now: datetime) -> None:
    """Tell of what was counted since TOLD_EVERY ago or longer, within the transaction that runs."""
    rows = SignInTry.objects.select_for_update().filter(untold__gt=0).exclude(told_at__gt=now - TOLD_EVERY)
    groups = list(_groups(rows.order_by("-untold", "pk")[:ROWS_AT_ONCE]).items())
    room = max(0, MOST - told_since(now - TOLD_EVERY))
    for (user, name, place), group in groups[:room]:
        record(user, name, place, f"Was not let in, {_times(group)} more.")
        if name == A_TOKEN:
            events.of_console(Own.TOKENS_REFUSED, f"API tokens were refused from {place}, {_times(group)} more.",
                              at=now).save()
        _told(group, now)
    rest = [row for _, group in groups[room:] for row in group]
    if rest:
        places = len({row.place for row in rest})
        record(None, SEVERAL, "", f"Was not let in, {_times(rest)} more, from {places} "
                                           f"address{'es' if places > 1 else ''}.")
        _told(rest, now)


def _groups(rows: Iterable[SignInTry]) -> dict[tuple[User | None, str, str], list[SignInTry]]:
    """By user, what it is called, and place; names that are no users are one, API tokens another."""
    users = {name_key(user.get_username()): user for user in User.objects.all()}
    found: dict[tuple[User | None, str, str], list[SignInTry]] = {}
    for row in rows:
        user = users.get(row.name_key)
        name = user.get_username() if user else A_TOKEN if row.name_key == TOKENS else NO_USERS
        found.setdefault((user, name, row.place), []).append(row)
    return found


def _times(rows: list[SignInTry]) -> str:
    count = sum(row.untold for row in rows)
    return f"{count} time{'s' if count > 1 else ''}"


def _cause(user: User | None, why: str) -> str:
    if user is None:
        return "there is no such user"
    return why if user.is_active else "the user is disabled"


def _locked(lock: Lock, name: str) -> str:
    whom = {HERE: "from there", NAME: f"but from where {name} has signed in lately"}.get(
        lock.kind, "from there, for all who have not signed in there lately")
    places = f" from {lock.places} addresses" if lock.places > 1 else ""
    return f"Locked until {lock.until:%H:%M} UTC, {whom}: {lock.failures} failed sign-ins{places}."


def _may_tell(place: str, user: User | None, lock: Lock | None, now: datetime) -> bool:
    recently = now - TOLD_EVERY
    if lock is not None and lock.kind != PLACE and user is not None:
        return True
    if told_since(recently) >= MOST:
        return False
    locks_place = lock is not None and lock.kind == PLACE
    others = SignInTry.objects.filter(place=place, told_at__gt=recently).exclude(name_key=TOKENS)
    return locks_place or not others.exists()


def told_since(when: datetime) -> int:
    """How many entries History has of strangers since then."""
    return HistoryEntry.objects.filter(at__gt=when, action=HistoryAction.SIGN_IN, user_name=STRANGER).count()


def record(user: User | None, name: str, origin: str, reason: str) -> None:
    """An entry about a stranger who tried to sign in as ``user``, or as somebody who is none."""
    history.record_sign_in(actor=Actor(name=STRANGER, origin=origin), user=user, name=name, reason=reason)


def _told(rows: list[SignInTry], now: datetime) -> None:
    SignInTry.objects.filter(pk__in=[row.pk for row in rows]).update(untold=0, told_at=now)
