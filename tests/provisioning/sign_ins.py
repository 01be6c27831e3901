"""How people sign in, and what is told of it."""

import pytest

from provisioning.accounts.services import sign_in as service
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.core.permissions import Actor, user_roles
from provisioning.models import HistoryEntry
from provisioning.states import HistoryAction

PASSWORD = "a long password of a test"
HOME = "192.0.2.1"


def by(user):
    return Actor(name=user.username, user_id=user.pk, roles=user_roles(user), origin="192.0.2.7")


def told():
    """(who, from where, of whom, what) of the entries about sign-ins, oldest first."""
    return [(entry.user_name, entry.origin, entry.object_name, entry.reason)
            for entry in HistoryEntry.objects.filter(action=HistoryAction.SIGN_IN).order_by("number")]


def let_in(name="otto", password=PASSWORD, origin=HOME):
    user = service.check_password(name=name, password=password, origin=origin)
    service.let_in(user=user, origin=origin)
    return user


def refused(name="otto", password="wrong", origin=HOME) -> SignInRefused:
    with pytest.raises(SignInRefused) as caught:
        let_in(name, password, origin)
    return caught.value
