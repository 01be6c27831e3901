"""Sign-ins that wait for a second factor: they end with the sessions, and all that asks others is bounded."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from console.bounds import signs_in
from provisioning.accounts import urls
from provisioning.accounts.services import users, ways_in
from provisioning.errors import Refused
from provisioning.states import Role, SignInSource
from tests import factories
from tests.oidc import go, oidc, oidc_process
from tests.provisioning.sign_ins import PASSWORD, by, give_app, is_in, sign_in, told

__all__ = ["oidc", "oidc_process"]
pytestmark = pytest.mark.django_db
PAGE = "/login/second-factor/"
ENDS = {
    "the factors were reset": ways_in.reset_factors,
    "the password was reset": users.reset_password,
    "the user was linked": ways_in.link,
    "a role was taken away": lambda **who: users.set_roles(**who, roles=["Support"]),
    "the user was disabled": lambda **who: users.set_enabled(**who, enabled=False),
    "the password was changed": lambda **who: users.set_password(**who, password="another one 2", reason="Set."),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_what_ends_sessions_ends_a_sign_in_that_waits_for_a_factor(ada, otto, ends):
    give_app(otto)
    waits, _ = sign_in()
    assert waits.get(PAGE).status_code == 200
    ends(actor=by(ada), user_id=otto.pk)
    assert waits.get(PAGE).status_code == 302
    assert not [each for each in told() if "session" in each[-1]], "History counts no session that was none"


def test_unlinking_ends_a_sign_in_that_came_from_the_provider(oidc, ada):
    oidc.person()
    go(Client())
    rita = User.objects.get(username="rita")
    codes = give_app(rita)
    waits = Client()
    go(waits)
    assert waits.get(PAGE).status_code == 200
    ways_in.unlink(actor=by(ada), user_id=rita.pk)
    waits.post(PAGE, {"code": codes[0]})
    assert not is_in(waits)


def test_a_sign_in_of_somebody_else_goes_on(ada, otto):
    give_app(otto)
    waits, _ = sign_in()
    rita = factories.make_user("rita", roles=(Role.OPERATOR,), password=PASSWORD)
    users.set_enabled(actor=by(ada), user_id=rita.pk, enabled=False)
    assert waits.get(PAGE).status_code == 200


def test_a_code_that_is_posted_after_the_session_ended_is_not_kept(otto):
    codes = give_app(otto)
    for address in ("/account/confirm/", PAGE):
        assert Client().post(address, {"code": codes[0]}).status_code == 302


def test_every_request_by_which_strangers_have_something_looked_at_waits_its_turn():
    names = [each.name for each in urls.urlpatterns if str(each.pattern).startswith("login/")]
    assert len(names) == 4
    for name in names:
        assert signs_in({"method": "POST", "path": reverse(name)})
    assert signs_in({"method": "GET", "path": reverse("single-sign-on-back")})
    assert not signs_in({"method": "GET", "path": reverse("login")})


@pytest.mark.parametrize("takes", [
    lambda **who: users.set_enabled(**who, enabled=False), lambda **who: users.set_roles(**who, roles=["Support"]),
    ways_in.link,
])
@pytest.mark.parametrize("source", [SignInSource.OIDC, SignInSource.LDAP])
def test_an_administrator_whose_role_nobody_elsewhere_takes_away_is_always_left(ada, takes, source):
    eve = factories.make_user("eve", roles=(Role.ADMINISTRATOR,), password=PASSWORD)
    eve.account = users.Account.objects.update_or_create(user=eve, defaults={"source": source})[0]
    with pytest.raises(Refused, match="only Administrator with a password"):
        takes(actor=by(eve), user_id=ada.pk)
    factories.make_user("ida", roles=(Role.ADMINISTRATOR,), password=PASSWORD)
    takes(actor=by(eve), user_id=ada.pk)
