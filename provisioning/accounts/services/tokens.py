"""API tokens: made, changed, revoked, and shown by programs. The secret of one is shown once and stored as a digest
only."""

import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from provisioning.accounts.rules import tokens as rules
from provisioning.accounts.rules.tokens import KEY_CHARACTERS, PREFIX, SECRET_CHARACTERS, Draft, Facts
from provisioning.accounts.selectors.tokens import TOPIC, get_token, shown_token
from provisioning.accounts.selectors.users import is_service
from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor, user_roles
from provisioning.core.signals import signed_out
from provisioning.errors import Conflict, Difference, NotAllowed, NotSignedIn, Refused
from provisioning.history import history
from provisioning.history.entries import last_change
from provisioning.history.revised import shown
from provisioning.keys import all_keys, derive
from provisioning.models import ApiToken
from provisioning.states import Role, TokenScope

from .token_tries import count, locked, too_many

LETTERS = string.ascii_letters + string.digits
USED_EVERY = timedelta(minutes=1)
"""When and from where a token was used last is written that often at most."""
NEEDS_SESSION = ("A token makes and changes no tokens, so that nobody keeps more by it than was given. Sign in, or use "
                 "manage.py tokens.")
FOR_METRICS = "The token {name} is good for /metrics alone."
NOT_FOR_METRICS = "The token {name} is not one for metrics. Make one that is, at Your account > API tokens."
CHANGEABLE = {"description": "Description", "networks": "Networks", "enabled": "Enabled"}


@sensitive_variables("secret")
def make_token(*, actor: Actor, owner: User, draft: Draft) -> tuple[ApiToken, str]:
    """A token of ``owner`` and its text, which is stored nowhere. Everybody makes their own, an Administrator those of
    service accounts as well. Raises NotAllowed, Refused."""
    _require_session(actor)
    _require_may(actor, owner)
    if not rules.may_be_made_for(is_service(owner), owner.pk == actor.user_id):
        raise Refused(f"Only {owner} makes tokens of {owner}. Make a service account for a program.")
    key, secret = _random(KEY_CHARACTERS), _random(SECRET_CHARACTERS)
    with history.atomic():
        owner = User.objects.select_for_update().get(pk=owner.pk)
        if found := rules.refusals(
                draft, taken=set(owner.api_tokens.values_list("name", flat=True)), may_have=user_roles(owner),
                maker="you" if owner.pk == actor.user_id else owner.get_username(),
                maker_is_administrator=actor.may(permissions.USERS)):
            raise Refused(*found)
        row = _row_of(draft, owner, actor, timezone.now())
        row.key, row.digest = key, rules.digest(secret, _keys()[0])
        row.save()
        history.record(actor=actor, row=row, before=None, after=history.snapshot(row))
        changes.tell(TOPIC)
    return row, f"{PREFIX}{key}_{secret}"


def _row_of(draft: Draft, owner: User, actor: Actor, now: datetime) -> ApiToken:
    return ApiToken(
        name=draft.name, description=draft.description, owner=owner, scope=draft.scope,
        roles=[role for role in Role.values if role in draft.roles and draft.scope == TokenScope.API],
        read_only=draft.read_only or draft.scope == TokenScope.METRICS,
        networks=draft.networks, created_at=now, created_by=actor.name[:150],
        expires_at=None if draft.days is None else now + timedelta(days=draft.days))


def change_token(*, actor: Actor, token_id: int, description: str, networks: str, enabled: bool,
                 revision: int | None = None) -> ApiToken:
    """``revision``: that of the row that the sender has seen, None where nobody looked. Raises NotAllowed, NotFound,
    Refused, Conflict."""
    _require_session(actor)
    with history.atomic():
        row = _locked(token_id, actor)
        new: dict[str, str | bool] = {"description": description, "networks": networks, "enabled": enabled}
        if revision is not None and revision != row.revision:
            raise _conflict(row, new)
        if found := rules.of_texts(description, networks):
            raise Refused(*found)
        before = history.snapshot(row)
        row.description, row.networks, row.enabled, row.revision = description, networks, enabled, row.revision + 1
        row.save(update_fields=[*CHANGEABLE, "revision"])
        history.record(actor=actor, row=row, before=before, after=history.snapshot(row))
        changes.tell(TOPIC, signed_out(row.owner_id))
    return row


def _conflict(row: ApiToken, new: dict[str, str | bool]) -> Conflict:
    last = last_change("api_token", row.pk)
    saved_by = last.user_name if last else ""
    return Conflict(
        f"{saved_by or 'Somebody else'} saved this token while you were changing it. Compare, then keep yours or take "
        "theirs.", revision=row.revision, saved_by=saved_by, saved_at=last.at if last else None,
        differences=tuple(Difference(name, label, shown(getattr(row, name)), shown(new[name]))
                          for name, label in CHANGEABLE.items() if getattr(row, name) != new[name]))


def revoke_token(*, actor: Actor, token_id: int) -> ApiToken:
    """It is good for nothing any more. Everybody revokes their own; by a token, unless it is an Administrator's, that
    one alone. Raises NotAllowed, NotFound."""
    with history.atomic():
        row = _locked(token_id, actor)
        if actor.token not in ("", row.name):
            # Whoever finds a token ends no others of its owner by it.
            actor.require(permissions.USERS)
        history.record(actor=actor, row=row, before=history.snapshot(row), after=None)
        ApiToken.objects.filter(pk=row.pk).delete()
        # A stream that was opened with it looks at it now.
        changes.tell(TOPIC, signed_out(row.owner_id))
    return row


@sensitive_variables("secret")
def actor_of_token(secret: str, *, address: str, request_id: str = "") -> Actor:
    """Who shows ``secret``, the whole text of a token, from ``address``. Raises NotSignedIn when it is not good, or not
    good any more; NotAllowed when it is not from there, or is for something else; TooMany after too many of those."""
    row, roles = _admitted(secret, address, lambda row: FOR_METRICS if row.scope != TokenScope.API else "")
    actor = Actor(name=row.owner.get_username(), user_id=row.owner_id, roles=roles & frozenset(row.roles),
                  origin=rules.origin(row.name, address), token=row.name, token_key=row.key, read_only=row.read_only)
    return replace(actor, request_id=request_id) if request_id else actor


@sensitive_variables("secret", "hidden")
def verbs_by(secret: str, *, address: str | None = None) -> frozenset[str] | None:
    """What this token lets somebody do now, from ``address`` where it is known; None where it is not good, or not for
    the API. Nobody is let in by it, and nothing is counted."""
    key, hidden = rules.parts(secret) or ("", "")
    row, roles = shown_token(key) or (None, frozenset())
    stored = row.digest if row is not None else ""
    same = [constant_time_compare(stored, rules.digest(hidden, each)) for each in _keys()]
    if row is None or not any(same) or row.scope != TokenScope.API:
        return None
    facts = _facts(row)
    if rules.why_not_good(facts, timezone.now()) or (address is not None and rules.why_not_from(facts, address)):
        return None
    verbs = permissions.verbs_of(roles & frozenset(row.roles))
    return verbs & permissions.READS if row.read_only else verbs


@sensitive_variables("secret")
def require_metrics_token(secret: str, *, address: str) -> None:
    """Raise as ``actor_of_token`` unless ``secret`` is a token for metrics, of somebody who may see everything."""
    row, roles = _admitted(secret, address, lambda row: NOT_FOR_METRICS if row.scope != TokenScope.METRICS else "")
    if permissions.VIEW not in permissions.verbs_of(roles):
        raise NotAllowed(f"The token {row.name} is not good: its owner {row.owner} has no role any more.")


@sensitive_variables("secret", "text", "hidden")
def _admitted(text: str, address: str, why_not_for: Callable[[ApiToken], str],
              ) -> tuple[ApiToken, frozenset[str]]:
    """The token, and the roles that its owner has."""
    now = timezone.now()
    key, hidden = rules.parts(text) or ("", "")
    row, roles = shown_token(key) or (None, frozenset())
    # Of a key that nobody has as much is computed as of one that somebody has.
    stored = row.digest if row is not None else ""
    same = [constant_time_compare(stored, rules.digest(hidden, each)) for each in _keys()]
    known = row if any(same) else None
    if not (known and _is_familiar(known, address, now)) and (until := locked(address, now)):
        raise too_many(until, now)
    if known is None:
        count(address, why=rules.NOT_KNOWN, owner=None)
        raise NotSignedIn(rules.NOT_KNOWN)
    _require_good(known, address, now)
    if why := why_not_for(known):
        raise NotAllowed(why.format(name=known.name))
    _note_use(known, address, now, new_digest="" if same[0] else rules.digest(hidden, _keys()[0]))
    return known, roles


def _require_good(row: ApiToken, address: str, now: datetime) -> None:
    facts = _facts(row)
    if why := rules.why_not_good(facts, now):
        count(address, why=why, owner=row.owner)
        raise NotSignedIn(why)
    if why := rules.why_not_from(facts, address):
        count(address, why=why, owner=row.owner)
        raise NotAllowed(why)


def _facts(row: ApiToken) -> Facts:
    return Facts(name=row.name, enabled=row.enabled, expires_at=row.expires_at, networks=row.networks,
                 owner=row.owner.get_username(), owner_is_enabled=row.owner.is_active)


def _is_familiar(row: ApiToken, address: str, now: datetime) -> bool:
    """Whether it was used from there lately: a program there that has a wrong token must not keep out the others."""
    return bool(row.used_at and row.used_at > now - rules.FAMILIAR_FOR and row.used_from == address[:64])


def _note_use(row: ApiToken, address: str, now: datetime, new_digest: str) -> None:
    """``new_digest``: made with the present key, where that stored was made with a former one; "" else."""
    if new_digest:
        ApiToken.objects.filter(pk=row.pk, digest=row.digest).update(digest=new_digest)
    if row.used_at is None or not now - USED_EVERY < row.used_at <= now:
        due = Q(used_at=None) | Q(used_at__lte=now - USED_EVERY) | Q(used_at__gt=now)
        ApiToken.objects.filter(due, pk=row.pk).update(used_at=now, used_from=address[:64])


def _locked(token_id: int, actor: Actor) -> ApiToken:
    row = get_token(token_id, actor)
    if actor.read_only:
        raise NotAllowed(permissions.READ_ONLY)
    return ApiToken.objects.select_for_update(of=("self",)).select_related("owner").get(pk=row.pk)


def _require_session(actor: Actor) -> None:
    if actor.token:
        raise NotAllowed(NEEDS_SESSION)
    actor.require_confirmed()


def _require_may(actor: Actor, owner: User) -> None:
    if owner.pk != actor.user_id:
        actor.require(permissions.USERS)
    elif actor.read_only:
        raise NotAllowed(permissions.READ_ONLY)


def _keys() -> tuple[bytes, ...]:
    return _derived(all_keys())


@lru_cache(maxsize=8)
def _derived(keys: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(derive(each, "api token") for each in keys)


def _random(characters: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(characters))
