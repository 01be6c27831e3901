"""The Users page, the password for one sign-in, and what everybody sees of the own account."""

import html
import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from django.contrib.auth.models import User
from django.test import Client

from provisioning.accounts.rules.sign_in import HERE, LIMITS, PLACE
from provisioning.accounts.selectors.users import roles_of
from provisioning.accounts.services import users
from provisioning.states import Role
from tests import factories
from tests.provisioning.posted import script
from tests.provisioning.sign_ins import PASSWORD

pytestmark = pytest.mark.django_db
LIST = "/provisioning/accounts/users/"


def page(user, verb=""):
    return f"{LIST}{user.pk}/{verb}"


def shown_password(answer):
    return re.search(r'id="one-time-password"[^>]*><code>([^<]+)</code>', answer.text)[1]


def signed_in(name, password):
    client = Client()
    return client, client.post("/login/", {"username": name, "password": password})


def test_the_list_shows_who_may_sign_in(administrator, otto):
    for _ in range(LIMITS[HERE]):
        signed_in("otto", "wrong")
    text = administrator.get(LIST).text
    for words in ("otto", "Operator", "Locked", "127.0.0.1", "never", "Enabled", "Administrator"):
        assert words in text
    assert "otto" not in administrator.get(f"{LIST}?role=Support").text
    assert "otto" not in administrator.get(f"{LIST}?state=disabled").text
    assert "otto" in administrator.get(f"{LIST}?text=OTT").text


def test_a_new_user_gets_a_password_that_is_shown_once_and_changed_at_the_first_sign_in(administrator):
    answer = administrator.post(f"{LIST}new/", {"name": "sue", "roles": ["Support"]}, headers=script())
    password = shown_password(answer)
    assert "no-store" in answer["Cache-Control"]
    assert password not in administrator.get(LIST).text
    client, answer = signed_in("sue", password)
    assert answer.status_code == 302
    for address in ("/", "/operations/jobs/", "/account/"):
        assert client.get(address)["Location"] == "/account/password/"
    told = client.get("/operations/jobs/", headers=script())
    assert "choose another password first" in unquote(told["X-Pairwise-Sentence"])
    assert client.get("/operations/jobs/", headers=script() | {"X-Pairwise-Background": "1"}).status_code == 204
    typing = script() | {"HX-Current-URL": "http://testserver/account/password/"}
    assert client.get("/monitoring/pairs/paused/", headers=typing).status_code == 204
    for no_address in ("http://[", "http://[x]/account/password/", "", "/" * 5_000):
        told = client.get("/operations/jobs/", headers=script() | {"HX-Current-URL": no_address})
        assert "choose another password first" in unquote(told["X-Pairwise-Sentence"])
    assert client.get("/healthz").status_code == 503
    client.post("/account/password/", {"old_password": password, "new_password1": PASSWORD, "new_password2": PASSWORD})
    assert client.get("/operations/jobs/").status_code == 200
    client, answer = signed_in("sue", PASSWORD)
    assert client.get("/operations/jobs/").status_code == 200


def test_a_user_that_is_refused_is_told_beside_the_field(administrator, otto):
    answer = administrator.post(f"{LIST}new/", {"name": "Otto", "roles": ["Support"]}, headers=script())
    assert answer.status_code == 422
    assert "There is a user named Otto already" in answer.text
    assert "Choose at least one role" in administrator.post(f"{LIST}new/", {"name": "sue"}).text


def test_roles_are_edited(administrator, otto):
    assert re.search(r'value="Operator"[^>]*checked', administrator.get(page(otto, "roles/")).text)
    assert administrator.post(page(otto, "roles/"), {"roles": ["Support"]})["Location"] == page(otto)
    assert "run the audit" in administrator.get(page(otto)).text
    assert [group.name for group in otto.groups.all()] == ["Support"]
    assert administrator.post(page(otto, "roles/"), {}).status_code == 422


def test_who_is_disabled_is_signed_out_at_once(administrator, otto):
    client, _ = signed_in("otto", PASSWORD)
    assert client.get("/operations/jobs/").status_code == 200
    assert "otto is signed out at once" in administrator.get(page(otto, "disable/"), headers=script()).text
    administrator.post(page(otto, "disable/"))
    assert client.get("/operations/jobs/")["Location"].startswith("/login/")
    assert signed_in("otto", PASSWORD)[1].status_code == 200
    administrator.post(page(otto, "enable/"))
    assert signed_in("otto", PASSWORD)[1].status_code == 302


def test_a_reset_password_ends_the_sessions_and_is_changed_at_the_next_sign_in(administrator, otto):
    client, _ = signed_in("otto", PASSWORD)
    password = shown_password(administrator.post(page(otto, "reset/")))
    assert client.get("/operations/jobs/")["Location"].startswith("/login/")
    client, _ = signed_in("otto", password)
    assert client.get("/operations/jobs/")["Location"] == "/account/password/"


def test_a_lock_is_ended(administrator, otto):
    for _ in range(LIMITS[HERE]):
        signed_in("otto", "wrong")
    assert signed_in("otto", PASSWORD)[1].status_code == 429
    administrator.post(page(otto, "unlock/"))
    assert signed_in("otto", PASSWORD)[1].status_code == 302


def test_the_lock_of_an_address_is_shown_goes_on_after_an_unlock_of_a_user_and_has_an_end_of_its_own(administrator,
                                                                                                      otto):
    for number in range(LIMITS[PLACE]):
        signed_in(f"somebody{number}", "wrong")
    for _ in range(LIMITS[HERE]):
        signed_in("otto", "wrong")
    assert "your address" in signed_in("stranger", PASSWORD)[1].text
    for address in (page(otto), "/provisioning/accounts/users/"):
        assert "Locked addresses" in administrator.get(address).text
    unlock = "/provisioning/accounts/users/unlock-address/?address=127.0.0.1"
    assert "may try to sign in again at once, as any name" in administrator.get(unlock).text
    assert signed_in("otto", PASSWORD)[1].status_code == 429
    administrator.post(unlock)
    assert signed_in("otto", PASSWORD)[1].status_code == 302
    assert "Locked addresses" not in administrator.get(page(otto)).text


def test_nobody_takes_the_role_from_himself_and_is_told_why(administrator):
    me = User.objects.get(username="administrator")
    assert re.search(r'id="user-disable"[^>]*aria-disabled="true" title="You cannot disable yourself',
                     administrator.get(page(me)).text)
    answer = administrator.post(page(me, "roles/"), {"roles": ["Support"]})
    assert answer.status_code == 422
    assert "You cannot take the role Administrator from yourself" in answer.text
    administrator.post(page(me, "disable/"))
    assert User.objects.get(pk=me.pk).is_active


def test_history_shows_users(administrator, otto):
    administrator.post(page(otto, "roles/"), {"roles": ["Support"]})
    text = administrator.get(f"/operations/history/?object_type=user&object_id={otto.pk}").text
    for words in ("User", page(otto), "Roles", "Operator", "Support"):
        assert words in text


@pytest.mark.parametrize(("role", "can", "cannot"), [
    (Role.SUPPORT, "waive findings", "start, stop and switch over"), (Role.OPERATOR, "run failover drills", "waive"),
    (Role.ADMINISTRATOR, "manage users", ""),
])
def test_the_own_account_says_what_the_role_may_do(client, role, can, cannot):
    client.force_login(factories.make_user("me", roles=(role,)))
    text = client.get("/account/").text
    assert f"Your role: {role}" in text
    may, _, may_not = text.partition("<dt>You cannot</dt>")
    assert can in may
    assert cannot in may_not
    assert ("<dt>You cannot</dt>" in text) == bool(cannot)


def test_roles_that_somebody_else_saved_meanwhile_are_compared_and_not_lost(administrator, otto):
    address = page(otto, "roles/")
    seen = {"seen": "Operator"}
    users.set_roles(actor=factories.ADMINISTRATOR, user_id=otto.pk, roles=[Role.SUPPORT])
    answer = administrator.post(address, {"roles": ["Operator", "Administrator"], **seen}, headers=script())
    assert answer.status_code == 409
    for words in (f"{factories.ADMINISTRATOR.name} saved this user's roles in the meantime", "Support",
                  "Administrator, Operator", "Keep mine", "Take theirs"):
        assert words in answer.text
    assert answer.text.count(f"{factories.ADMINISTRATOR.name} saved") == 1
    assert roles_of(otto) == ("Support",)
    # It is known now what is stored: the same once more is meant.
    seen = {"seen": re.search(r'name="seen" value="([^"]*)"', answer.text)[1]}
    assert seen == {"seen": "Support"}
    administrator.post(address, {"roles": ["Operator", "Administrator"], **seen}, headers=script())
    assert roles_of(otto) == ("Administrator", "Operator")


def test_who_saved_the_roles_is_not_who_did_something_else_with_the_user_afterwards(administrator, otto):
    users.set_roles(actor=factories.ADMINISTRATOR, user_id=otto.pk, roles=[Role.SUPPORT])
    other = replace(factories.ADMINISTRATOR, name="somebody")
    users.set_enabled(actor=other, user_id=otto.pk, enabled=False)
    users.set_enabled(actor=other, user_id=otto.pk, enabled=True)
    users.reset_password(actor=other, user_id=otto.pk)
    answer = administrator.post(page(otto, "roles/"), {"roles": ["Administrator"], "seen": "Operator"},
                                headers=script())
    assert f"{factories.ADMINISTRATOR.name} saved this user's roles in the meantime" in html.unescape(answer.text)


@pytest.mark.parametrize(("seen", "roles"), [
    ({}, ["Administrator"]), ({"seen": "Operator"}, ["Administrator"]), ({"seen": "Support"}, ["Operator"])])
def test_roles_are_saved_when_nobody_else_gave_other_ones(administrator, otto, seen, roles):
    administrator.post(page(otto, "roles/"), {"roles": roles, **seen}, headers=script())
    assert list(roles_of(otto)) == roles
