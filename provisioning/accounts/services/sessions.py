"""Ends sessions, with the streams of events that are open with them."""

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from provisioning.core import changes
from provisioning.core.permissions import Actor
from provisioning.core.signals import signed_out
from provisioning.history import history
from provisioning.web.sessions import sessions_of


def end_sessions(*, actor: Actor, user: User, why: str, but: str = "") -> int:
    """End the sessions of the user, ``but`` that of this key, within the transaction that runs; how many there were.
    Sign-ins that wait for a second factor end, too: what was shown before counts no more. ``why`` is the sentence that
    History gives for it."""
    found = {key: signed_in for key, signed_in in sessions_of(user.pk) if key != but}
    Session.objects.filter(pk__in=found).delete()
    keys = [key for key, signed_in in found.items() if signed_in]
    if keys:
        ended = "A session was ended" if len(keys) == 1 else f"{len(keys)} sessions were ended"
        history.record_sign_in(actor=actor, user=user, name=user.get_username(), reason=f"{ended}: {why}")
    changes.tell(signed_out(user.pk))
    return len(keys)
