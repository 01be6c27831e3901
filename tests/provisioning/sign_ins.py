"""How people sign in, and what is told of it."""

import re

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from provisioning.accounts.services import factors
from provisioning.accounts.services import sign_in as service
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.core.permissions import Actor, user_roles
from provisioning.models import HistoryEntry
from provisioning.states import HistoryAction

PASSWORD = "a long password of a test"
HOME = "192.0.2.1"
SCRIPT = {"HX-Request": "true", "HX-Current-URL": "http://testserver/account/"}
SECRET = "JBSWY3DPEHPK3PXP"


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


def code_of(secret=SECRET, steps=0):
    step = int(timezone.now().timestamp()) // 30 + steps
    return format_hotp_value(hotp_value(secret, step))


def give_app(user, secret=SECRET):
    """Recovery codes; the code of the step before is used up by it."""
    return factors.add_app(actor=by(user), secret=secret, code=code_of(secret, -1))


def sign_in(name="otto", password=PASSWORD, **more):
    client = Client(REMOTE_ADDR="198.51.100.7")
    return client, client.post("/login/", {"username": name, "password": password, **more})


def is_in(client):
    return client.get("/account/").status_code == 200


def by_name(name):
    return User.objects.get(username=name)


def dialog(client, what):
    """The page of a factor, with its secret and what comes back sealed."""
    text = client.get(f"/account/factors/{what}/").text
    sealed = re.search(r'name="sealed" value="([^"]+)"', text)[1]
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", text)
    return sealed, secret[1] if secret else ""
