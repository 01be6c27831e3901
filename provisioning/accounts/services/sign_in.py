"""Signing in and out: who is let in, and what counts against whoever is not (rules: ``accounts.rules.sign_in``)."""

from datetime import datetime

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from protocol.places import place_of
from provisioning.accounts.rules.sign_in import FAMILIAR_FOR, LOCKED_FOR, SERVICE_ACCOUNT, Lock, why_not_good
from provisioning.accounts.selectors.sign_ins import lock_of, name_key
from provisioning.core import changes
from provisioning.core.permissions import Actor
from provisioning.core.signals import signed_out
from provisioning.errors import Refused
from provisioning.history import history
from provisioning.models import Account, SignInTry
from provisioning.states import SignInResult
from provisioning.turns import delete_in_turns

from . import directory
from .directory_users import admit, belongs_there
from .locked_tries import TRIES
from .sign_in_counts import count
from .sign_in_story import tell_counted, tell_failure

WRONG = "The user name or the password is wrong. Both are case-sensitive."


class SignInRefused(Refused):
    """``lock`` when it is locked, also by this very failure."""

    def __init__(self, sentence: str, lock: Lock | None = None):
        super().__init__(sentence)
        self.lock = lock


@sensitive_variables("password")
def check_password(*, name: str, password: str, origin: str) -> User:
    """The user whose password this is, who is not let in by it yet (``let_in``). Raises SignInRefused."""
    require_no_lock(name, origin)
    if belongs_there(name):
        return _of_directory(name, password, origin)
    # It takes long on purpose, so it is done before anything is locked.
    user = authenticate(username=name, password=password)
    if user is None:
        raise SignInRefused(WRONG, count_failure(name, origin, "wrong password"))
    return user


@sensitive_variables("password")
def _of_directory(name: str, password: str, origin: str) -> User:
    """While the directory is away nothing counts: nobody guesses by it, and who is right is not locked out. Raises
    SignInRefused."""
    try:
        entry = directory.ask(name=name, password=password)
    except directory.DirectoryAway as error:
        raise SignInRefused(f"The directory does not answer ({error}); users with a password of Pairwise can sign "
                            "in.") from None
    if entry is None:
        raise SignInRefused(WRONG, count_failure(name, origin, "wrong password"))
    user, why = admit(entry=entry, origin=origin)
    if user is None:
        raise SignInRefused(why, count_failure(name, origin, "the directory gave no role or no user"))
    return user


def let_in(*, user: User, origin: str, by: str = "") -> None:
    """The user, who has shown all that is asked for, may have a session now. A password for one sign-in is used up by
    it. ``by`` is what was shown besides a password, or in its place. Raises SignInRefused."""
    if why := _let_in(user, origin, by):
        raise SignInRefused(why, count_failure(user.get_username(), origin, "its password is not good any more"))


@sensitive_variables("password")
def confirm(*, user: User, password: str, origin: str) -> None:
    """Raise SignInRefused unless this is the password of the user, who is signed in: who has got hold of a session must
    not find it out by trying."""
    name = user.get_username()
    require_no_lock(name, origin)
    if not _is_right(user, password):
        raise SignInRefused("The current password is wrong.", count_failure(name, origin, "wrong current password"))


@sensitive_variables("password")
def _is_right(user: User, password: str) -> bool:
    """Raises SignInRefused while nobody can say it."""
    if not belongs_there(user.get_username()):
        return user.check_password(password)
    try:
        return directory.ask(name=user.get_username(), password=password) is not None
    except directory.DirectoryAway as error:
        raise SignInRefused(f"The directory does not answer ({error}). Try again later.") from None


@history.atomic()
def signed_out_by(*, actor: Actor) -> None:
    """The actor has ended the own session; call it once that is gone."""
    user = User.objects.get(pk=actor.user_id or 0)
    history.record_sign_in(actor=actor, user=user, name=actor.name, reason="Signed out.")
    count(SignInResult.SIGNED_OUT)
    changes.tell(signed_out(user.pk))


def tell_and_forget(now: datetime | None = None) -> None:
    """History gets what it was not told at once; what does not count any more is removed. Called every minute."""
    now = now or timezone.now()
    with history.atomic():
        tell_counted(now)
    old = SignInTry.objects.filter(tried_at__lt=now - LOCKED_FOR, untold=0)
    delete_in_turns(old.exclude(signed_in_at__gt=now - FAMILIAR_FOR))


def require_no_lock(name: str, origin: str) -> None:
    """Raises SignInRefused while the name cannot sign in there."""
    lock = lock_at(name, origin)
    if lock is not None:
        TRIES.tried(name=name, origin=origin, lock=lock)
        raise SignInRefused(lock.words, lock)


def lock_at(name: str, origin: str) -> Lock | None:
    """What keeps the name from signing in there now."""
    return lock_of(name=name, place=place_of(origin), now=timezone.now())


def hold(name: str, origin: str) -> None:
    """Whatever else is tried as this name there waits for the end of the transaction that runs."""
    _row_of(name, place_of(origin), timezone.now())


@history.atomic()
def _let_in(user: User, origin: str, by: str) -> str:
    """"" when the user may have a session, else why not."""
    now, name = timezone.now(), user.get_username()
    if why := _use_up(user, now):
        return why
    row = _row_of(name, place_of(origin), now)
    before = f" {row.untold} failed from there just before." if row.untold else ""
    row.failures, row.untold, row.tried_at, row.signed_in_at = 0, 0, now, now
    row.save()
    history.record_sign_in(actor=Actor(name=name, user_id=user.pk, origin=origin), user=user, name=name,
                           reason=f"Signed in{f' {by}' if by else ''}.{before}")
    count(SignInResult.SIGNED_IN)
    changes.tell("users")
    return ""


def _use_up(user: User, now: datetime) -> str:
    """"" when the password of the user is good for a sign-in; one that is for one alone is used up by it."""
    # Locked before it is read: of several at once each has to see what the one before has used.
    account = Account.objects.select_for_update().filter(user=user, must_change_password=True).first()
    if Account.objects.filter(user=user, is_service=True).exists():
        return SERVICE_ACCOUNT
    if not User.objects.filter(pk=user.pk, password=user.password, is_active=True).exists():
        return "The password of this user, or whether the user may sign in, was changed just now. Try again."
    if account is None:
        return ""
    if why := why_not_good(good_until=account.good_until, used_at=account.used_at, now=now):
        return why
    account.used_at = now
    account.save(update_fields=["used_at"])
    return ""


@history.atomic()
def count_failure(name: str, origin: str, why: str) -> Lock | None:
    """Count a failure of any way in; the lock that is there now. ``why`` is what History says of it."""
    now, place = timezone.now(), place_of(origin)
    row = _row_of(name, place, now)
    counts_on = row.tried_at > now - LOCKED_FOR
    row.failures, row.tried_at, row.untold = (row.failures if counts_on else 0) + 1, now, row.untold + 1
    row.save()
    lock = lock_of(name=name, place=place, now=now)
    tell_failure(row, name=name, user=User.objects.filter(username=name).first(), origin=origin, why=why, lock=lock,
                 now=now)
    count(SignInResult.REFUSED)
    if lock is not None:
        changes.tell("users")
    return lock


def _row_of(name: str, place: str, now: datetime) -> SignInTry:
    return SignInTry.objects.select_for_update().get_or_create(name_key=name_key(name), place=place,
                                                               defaults={"tried_at": now})[0]
