"""Passkeys as second factors (WebAuthn): what a browser is asked, and what becomes of its answer. What was asked comes
back sealed with the answer, so looking at a page writes nothing."""

import json
import time
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import WebAuthn, get_authenticator_by_credential_id, get_credentials
from django.contrib.auth.models import User
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.webauthn import (
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from protocol.outside import read_json
from provisioning.accounts.selectors.factors import PASSKEY, stored_of
from provisioning.accounts.services.sign_in import SignInRefused, count_failure, require_no_lock
from provisioning.core.permissions import Actor
from provisioning.errors import Refusal, Refused
from provisioning.history import history

from .factors import added, locked_user

SEAL = "provisioning.accounts.passkeys"
ANSWERED_WITHIN_S = 300
GARBAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, ValidationError)
"""What reading an answer raises that no browser gave."""
MOST = 20
NAME_MAX = 100
LONGEST = 32 * 1024
"""Characters of an answer: one that is longer was made by no browser."""
NOT_TAKEN = "The passkey was not accepted. Try again, or use another way."


@dataclass(frozen=True)
class Question:
    """``options`` for the browser, as JSON; ``sealed`` comes back with its answer."""

    options: str
    sealed: str


def ask_to_create(*, user: User, host: str, session: str) -> Question:
    """``host``: the name by which the console was asked. ``session``: whose answer alone is taken."""
    options, state = _server(host).register_begin(
        PublicKeyCredentialUserEntity(id=str(user.pk).encode(), name=user.get_username(),
                                      display_name=user.get_username()),
        credentials=get_credentials(user), resident_key_requirement=ResidentKeyRequirement.DISCOURAGED,
        user_verification=UserVerificationRequirement.PREFERRED)
    return _question(options, state, user, session)


def ask_to_show(*, user: User, host: str, session: str) -> Question | None:
    """None for who has no passkey."""
    credentials = get_credentials(user)
    if not credentials:
        return None
    options, state = _server(host).authenticate_begin(
        credentials, user_verification=UserVerificationRequirement.PREFERRED)
    return _question(options, state, user, session)


def add_passkey(*, actor: Actor, name: str, answer: str, sealed: str, host: str, session: str) -> list[str]:
    """The actor has made a passkey; recovery codes, where there were none. Raises Refused."""
    if not name:
        raise Refused(Refusal("Give the passkey a name, by which you will know it.", "name"))
    if len(name) > NAME_MAX:
        raise Refused(Refusal(f"The name has {len(name)} characters; {NAME_MAX} fit.", "name"))
    try:
        response, state = _read(answer), _said(sealed, actor.user_id, session)["state"]
        _server(host).register_complete(state, RegistrationResponse.from_dict(response))
    except GARBAGE:
        raise Refused(NOT_TAKEN) from None
    with history.atomic():
        user = locked_user(actor.user_id or 0)
        if stored_of(user).filter(type=PASSKEY).count() >= MOST:
            raise Refused(f"You have {MOST} passkeys already. Remove one first.")
        WebAuthn.add(user, name, response)
        return added(actor, user, f'the passkey "{name}"')


def take_passkey(*, user: User, answer: str, sealed: str, origin: str, host: str, session: str) -> str:
    """The user has shown a passkey; "with a passkey". Raises SignInRefused."""
    name = user.get_username()
    require_no_lock(name, origin)
    try:
        said = _said(sealed, user.pk, session)
        shown = _server(host).authenticate_complete(said["state"], get_credentials(user), _read(answer))
        row = get_authenticator_by_credential_id(user, shown.credential_id)
    except GARBAGE:
        row = None
    if row is None or not _use_up(row, said["asked_at"]):
        raise SignInRefused(NOT_TAKEN, count_failure(name, origin, "wrong passkey"))
    return "with a passkey"


@history.atomic()
def _use_up(row: Authenticator, asked_at: float) -> bool:
    """Whether the answer to what was asked then counts: the same one, or one to an earlier question, never does
    again."""
    row = Authenticator.objects.select_for_update().get(pk=row.pk)
    if asked_at <= row.data.get("asked_at", 0):
        return False
    row.data["asked_at"], row.last_used_at = asked_at, timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True


def _question(options: Any, state: Any, user: User, session: str) -> Question:
    sealed = signing.dumps({"state": state, "user": user.pk, "session": session, "asked_at": time.time()}, salt=SEAL)
    return Question(json.dumps(dict(options)["publicKey"]), sealed)


def _said(sealed: str, user_id: int | None, session: str) -> dict[str, Any]:
    """Raises ValueError unless it was sealed for this user and session, lately."""
    try:
        said = signing.loads(sealed, salt=SEAL, max_age=ANSWERED_WITHIN_S)
    except signing.BadSignature:
        raise ValueError("not ours") from None
    if (said["user"], said["session"]) != (user_id, session):
        raise ValueError("of somebody else")
    return said


def _read(answer: str) -> dict:
    if len(answer) > LONGEST:
        raise ValueError("too long")
    found = read_json(answer)
    if not isinstance(found, dict):
        raise ValueError("no answer of a browser")
    return found


def _server(host: str) -> Fido2Server:
    return Fido2Server(PublicKeyCredentialRpEntity(id=host, name="Pairwise"))
