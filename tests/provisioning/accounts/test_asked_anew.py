"""Who is signed in shows anew who it is before what is dangerous."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from provisioning.accounts.rules import factors as rules
from provisioning.accounts.rules.factors import CONFIRMED_FOR
from provisioning.accounts.rules.sign_in import HERE, LIMITS
from provisioning.web.sessions import CONFIRMED
from tests.oidc import go, oidc, oidc_process
from tests.provisioning.sign_ins import PASSWORD, SCRIPT, by_name, code_of, give_app, sign_in

__all__ = ["oidc", "oidc_process"]
pytestmark = pytest.mark.django_db


def stale(client):
    """The client showed who it is some time ago."""
    session = client.session
    session[CONFIRMED] = (timezone.now() - CONFIRMED_FOR).isoformat()
    session.save()


def test_what_is_dangerous_is_asked_for_once_more_with_the_password(ada, otto):
    client, _ = sign_in("ada")
    address = f"/provisioning/accounts/users/{otto.pk}/disable/"
    assert client.get(address).status_code == 200
    stale(client)
    answer = client.get(address)
    assert answer["Location"] == f"/account/confirm/?next={address.replace('/', '%2F')}"
    assert "Type your password." in client.post("/account/confirm/", {"next": address}).text
    assert "The current password is wrong." in client.post("/account/confirm/", {"password": "wrong"}).text
    answer = client.post("/account/confirm/", {"password": PASSWORD, "next": address})
    assert (answer.status_code, answer["Location"]) == (302, address)
    assert client.post(address).status_code == 302


def test_a_form_that_was_sent_too_late_comes_back(ada, otto):
    client, _ = sign_in("ada")
    stale(client)
    answer = client.post("/provisioning/accounts/users/new/", {"name": "typed-for-an-hour", "roles": "Support"})
    assert (answer.status_code, "once more who you are" in answer.text) == (401, True)
    kept = re.search(r'name="kept" value="([^"]+)"', answer.text)[1]
    answer = client.post("/account/confirm/", {"password": PASSWORD, "kept": kept})
    assert "typed-for-an-hour" in answer.text
    assert not User.objects.filter(username="typed-for-an-hour").exists()


def test_a_script_is_told_where_to_ask(ada, otto):
    client, _ = sign_in("ada")
    stale(client)
    answer = client.get(f"/provisioning/accounts/users/{otto.pk}/disable/", headers=SCRIPT)
    assert (answer.status_code, answer["X-Pairwise-Confirm"]) == (401, "/account/confirm/")
    assert "hx-post=\"/account/confirm/\"" in client.get("/account/confirm/", headers=SCRIPT).text
    answer = client.post("/account/confirm/", {"password": PASSWORD}, headers=SCRIPT)
    assert (answer.status_code, answer["HX-Trigger"]) == (204, "confirmed")


def test_the_password_cannot_be_guessed_where_it_is_asked_for(ada):
    client, _ = sign_in("ada")
    stale(client)
    for _ in range(LIMITS[HERE]):
        answer = client.post("/account/confirm/", {"password": "wrong"})
    assert answer.status_code == 429
    assert client.post("/account/confirm/", {"password": PASSWORD}).status_code == 429


def test_who_has_no_password_here_is_asked_for_a_factor_or_not_at_all(oidc):
    oidc.person(groups=["pw-admins"])
    client = Client()
    go(client)
    stale(client)
    assert client.get("/provisioning/accounts/users/new/").status_code == 200
    give_app(by_name("rita"))
    assert client.get("/provisioning/accounts/users/new/").status_code == 302
    assert "Type your password" not in client.post("/account/confirm/", {"password": "x"}).text
    assert client.post("/account/confirm/", {"code": code_of()}).status_code == 302
    assert client.get("/provisioning/accounts/users/new/").status_code == 200


def test_a_time_that_is_still_to_come_confirms_nothing():
    now = timezone.now()
    assert rules.is_confirmed(now, now)
    assert not rules.is_confirmed(now + timedelta(hours=1), now)
    assert not rules.is_confirmed(now - CONFIRMED_FOR, now)
    assert not rules.is_confirmed(None, now)
