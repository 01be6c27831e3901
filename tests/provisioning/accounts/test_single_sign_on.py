"""Single sign-on against a provider that runs: who gets in, as whom and with which roles, and what is kept of it."""

import json

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.test import Client

from provisioning.accounts.rules.sign_in import HERE, LIMITS
from provisioning.accounts.services import users, ways_in
from provisioning.core.permissions import user_roles
from provisioning.errors import Refused
from provisioning.models import Event, HistoryEntry
from provisioning.states import Role
from tests import factories
from tests.oidc import go, oidc, oidc_process
from tests.provisioning.sign_ins import PASSWORD, by, told

__all__ = ["oidc", "oidc_process"]
pytestmark = pytest.mark.django_db
HERE_IS = "198.51.100.7"


def come(following=""):
    client = Client(REMOTE_ADDR=HERE_IS)
    return client, go(client, following=following)


def roles(name="rita"):
    return user_roles(User.objects.get(username=name))


def test_who_has_a_group_with_a_role_gets_in_and_on_to_the_page_that_was_asked_for(oidc):
    oidc.person(groups=["pw-ops", "unknown here", "Administrator"])
    client, answer = come("/operations/jobs/?state=failed")
    assert (answer.status_code, answer["Location"]) == (302, "/operations/jobs/?state=failed")
    assert client.get("/operations/jobs/").status_code == 200
    assert roles() == {"Operator"}
    assert told() == [("rita", HERE_IS, "rita", "Signed in by Example SSO.")]
    created = HistoryEntry.objects.get(action="created", object_name="rita")
    assert (created.user_name, created.origin, created.after["roles"]) == ("OIDC", HERE_IS, "Operator")


def test_changed_groups_give_and_take_roles_at_the_next_sign_in(oidc):
    oidc.person(groups=["pw-ops", "pw-admins"])
    first, _ = come()
    oidc.person(groups="pw-ops")
    come()
    assert roles() == {"Operator"}
    change = HistoryEntry.objects.get(action="changed", object_name="rita")
    assert (change.user_name, change.before["roles"], change.after["roles"]) == (
        "OIDC", "Administrator, Operator", "Operator")
    assert first.get("/operations/jobs/").status_code == 302, "a session with more roles goes on"


@pytest.mark.parametrize("groups", [[], ["others"]])
def test_who_has_no_group_with_a_role_any_more_loses_roles_and_sessions(oidc, groups):
    oidc.person()
    first, _ = come()
    oidc.person(groups=groups)
    client, answer = come()
    assert answer.status_code == 403
    assert "None of your groups at Example SSO has a role here" in answer.text
    assert (roles(), client.get("/operations/jobs/").status_code) == (set(), 302)
    assert first.get("/operations/jobs/").status_code == 302


@pytest.mark.parametrize(("groups", "userinfo", "why"), [
    (None, {}, 'the claim "groups" is not there'),
    (None, {"groups": {"pw-admins": 1}}, 'the claim "groups" is not there'),
    (None, None, "the provider could not be asked"),
])
def test_roles_stay_where_the_provider_does_not_say_the_groups(oidc, groups, userinfo, why):
    oidc.person()
    come()
    oidc.person(groups=groups, userinfo=userinfo)
    _client, answer = come()
    assert (answer.status_code, roles()) == (302, {"Operator"})
    [event] = Event.objects.filter(number=20141)
    assert why in event.text
    assert "rita" in event.text


def test_nobody_new_gets_in_while_the_provider_does_not_say_the_groups(oidc):
    oidc.person(groups=None)
    _, answer = come()
    assert answer.status_code == 403
    assert "did not say your groups" in answer.text
    assert not User.objects.filter(username="rita").exists()


def test_groups_that_userinfo_tells_count(oidc):
    oidc.person(groups=None, userinfo={"groups": ["pw-admins"]})
    come()
    assert roles() == {"Administrator"}


def test_a_provider_makes_up_no_groups_here(oidc):
    oidc.person(groups=["pw-ops", "a group of theirs"])
    come()
    user = User.objects.get(username="rita")
    user.groups.add(Group.objects.create(name="of ours"))
    come()
    assert set(user.groups.values_list("name", flat=True)) == {"Operator", "of ours"}


def test_who_is_called_as_a_user_of_ours_does_not_become_that_user(oidc, ada):
    oidc.person("ada", groups=["pw-admins"])
    client, answer = come()
    assert answer.status_code == 403
    assert "ask an Administrator to link the user" in answer.text
    assert client.get("/operations/jobs/").status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
    assert not SocialAccount.objects.exists()


def test_a_user_is_linked_by_an_administrator_and_found_by_subject_from_then_on(oidc, ada, otto):
    ways_in.link(actor=by(ada), user_id=otto.pk)
    oidc.person("otto", groups=["pw-admins"])
    assert come()[1].status_code == 302
    assert (roles("otto"), SocialAccount.objects.get().uid) == ({"Administrator"}, "id-of-otto")
    oidc.person("otto", sub="somebody else", groups=["pw-admins"])
    assert come()[1].status_code == 403
    oidc.person("renamed", sub="id-of-otto")
    assert come()[1].status_code == 302
    assert (roles("otto"), User.objects.filter(username="renamed").exists()) == ({"Operator"}, False)


def test_the_same_subject_of_another_issuer_is_somebody_else(oidc, settings):
    oidc.person()
    come()
    SocialAccount.objects.update(provider="https://former.example.com")
    assert come()[1].status_code == 403


def test_the_last_administrator_with_a_password_stays_one(oidc, ada):
    admin = factories.make_user("eve", roles=(Role.ADMINISTRATOR,), password=PASSWORD)
    ways_in.link(actor=by(ada), user_id=admin.pk)
    with pytest.raises(Refused, match="cannot link yourself"):
        ways_in.link(actor=by(ada), user_id=ada.pk)
    with pytest.raises(Refused, match="only Administrator with a password"):
        ways_in.link(actor=by(admin), user_id=ada.pk)


def test_a_service_account_is_nobody_who_signs_in_elsewhere(oidc, ada):
    robot = users.create_service_account(actor=by(ada), name="robot", roles=["Operator"])
    with pytest.raises(Refused, match="never signs in"):
        ways_in.link(actor=by(ada), user_id=robot.pk)
    oidc.person("robot", groups=["pw-admins"])
    assert come()[1].status_code == 403
    assert roles("robot") == {"Operator"}


def test_an_unlinked_user_is_one_of_ours_again(oidc, ada):
    oidc.person()
    come()
    user = User.objects.get(username="rita")
    with pytest.raises(Refused, match="follow from the groups"):
        users.set_roles(actor=by(ada), user_id=user.pk, roles=["Support"])
    with pytest.raises(Refused, match="no password here"):
        users.reset_password(actor=by(ada), user_id=user.pk)
    ways_in.unlink(actor=by(ada), user_id=user.pk)
    assert come()[1].status_code == 403
    _, password = users.reset_password(actor=by(ada), user_id=user.pk)
    answer = Client().post("/login/", {"username": "rita", "password": password})
    assert answer.status_code == 302


def test_a_disabled_user_does_not_come_in_by_another_way(oidc, ada):
    oidc.person()
    come()
    users.set_enabled(actor=by(ada), user_id=User.objects.get(username="rita").pk, enabled=False)
    _, answer = come()
    assert answer.status_code == 403
    assert "disabled" in answer.text


@pytest.mark.parametrize("told", [
    {"audience": "somebody else"}, {"key": "other"}, {"garbage": True}, {"userinfo": {"sub": "somebody else"}},
])
def test_an_answer_that_does_not_fit_lets_nobody_in(oidc, told):
    oidc.person(**told)
    _client, answer = come()
    assert answer.status_code == 403
    assert "could not be verified" in answer.text
    assert not User.objects.filter(username="rita").exists()


def test_who_cancels_is_told_so(oidc):
    oidc.person(deny=True)
    assert "You cancelled Example SSO" in come()[1].text


def test_who_did_not_begin_here_does_not_get_in(oidc):
    oidc.person()
    answer = Client().get("/login/oidc/callback/?code=x&state=y")
    assert answer.status_code == 403
    assert "began in another browser" in answer.text


def test_a_provider_that_is_away_is_named_and_local_accounts_work(oidc, ada, settings, closed_port):
    settings.PAIRWISE_OIDC_URL = f"http://127.0.0.1:{closed_port}"
    client, answer = come()
    assert answer.status_code == 502
    assert f"Example SSO does not answer (http://127.0.0.1:{closed_port} cannot be reached); local accounts work." in \
        answer.text
    assert client.post("/login/", {"username": "ada", "password": PASSWORD}).status_code == 302


def test_a_provider_that_calls_itself_otherwise_is_not_believed(oidc):
    oidc.person(issuer="https://evil.example.com")
    assert "calls itself" in come()[1].text


def test_nothing_of_the_provider_is_kept_but_who_it_is(oidc):
    oidc.person(userinfo={"email": "rita@example.com", "secret": "s3cret-claim"})
    come()
    kept = json.dumps([session.get_decoded() for session in Session.objects.all()])
    assert SocialToken.objects.count() == 0
    assert SocialAccount.objects.get().extra_data == {}
    assert not [word for word in ("access_token", "id_token", "s3cret-claim", "rita@example.com") if word in kept]
    assert User.objects.get(username="rita").email == ""


def test_refused_ways_in_count_for_the_lock(oidc):
    oidc.person(groups=[])
    for _ in range(LIMITS[HERE]):
        come()
    oidc.person()
    _, answer = come()
    assert answer.status_code == 429
    assert "too many failed sign-ins" in answer.text


def test_signing_out_ends_the_session_at_the_provider(oidc):
    oidc.person()
    client, _ = come()
    answer = client.post("/logout/")
    assert answer.status_code == 200
    assert f"{oidc.issuer}/end?client_id=pairwise&post_logout_redirect_uri=http%3A%2F%2Ftestserver%2Flogin%2F" in \
        answer["Refresh"]
    assert client.get("/operations/jobs/").status_code == 302
    assert told()[-1][-1] == "Signed out."


def test_a_session_by_single_sign_on_lives_as_every_other(oidc, settings):
    oidc.person()
    client, _ = come()
    left = client.get("/account/session/").json()["left_s"]
    assert settings.SESSION_COOKIE_AGE - 60 < left <= settings.SESSION_COOKIE_AGE


def test_the_sign_in_page_offers_it_and_hides_the_password_where_that_is_asked_for(oidc, settings):
    text = Client().get("/login/").text
    assert "Sign in by Example SSO" in text
    assert "Local sign-in" not in text
    settings.PAIRWISE_OIDC_ONLY = True
    text = Client().get("/login/").text
    assert "<summary>Local sign-in</summary>" in text
    assert 'name="username"' in text


def test_without_settings_there_is_no_other_way(db):
    assert "Sign in by" not in Client().get("/login/").text
    assert Client().post("/login/oidc/").status_code == 409
    assert Client().get("/login/oidc/callback/?code=x&state=y").status_code == 409


def test_the_page_shows_the_settings_without_the_secret(oidc, administrator):
    text = administrator.get("/provisioning/accounts/sign-in/").text
    for words in ("Example SSO", oidc.issuer, "pw-admins", "http://testserver/login/oidc/callback/"):
        assert words in text
    assert "s3cret-of-the-provider" not in text


def test_an_administrator_asks_the_provider_whether_all_is_well(oidc, administrator):
    answer = administrator.post("/provisioning/accounts/sign-in/ask/", follow=True)
    assert "answers, and what it says of itself fits" in answer.text
    oidc.tell(issuer="https://other.example.com")
    answer = administrator.post("/provisioning/accounts/sign-in/ask/", follow=True)
    assert "It calls itself" in answer.text


def test_the_provider_is_asked_by_a_check_only_where_that_was_asked_for(oidc):
    oidc.tell(issuer="https://other.example.com")
    assert not [found for found in run_checks() if found.id == "pairwise.E035"]
    assert oidc.heard() == []
    [found] = [found for found in run_checks(include_deployment_checks=True) if found.id == "pairwise.E035"]
    assert "calls itself" in found.msg


@pytest.mark.parametrize(("name", "value", "check"), [
    ("PAIRWISE_OIDC_URL", "http://sso.example.com", "E031"), ("PAIRWISE_OIDC_URL", "https://x/" + "y" * 200, "E031"),
    ("PAIRWISE_OIDC_CLIENT_ID", "", "E032"), ("PAIRWISE_OIDC_CA", "/nowhere.pem", "E033"),
    ("PAIRWISE_OIDC_ROLES", "pw-ops=Chief", "E034"), ("PAIRWISE_OIDC_ROLES", "pw-ops", "E034"),
    ("PAIRWISE_OIDC_ROLES", "", "W021"),
])
def test_a_setting_that_cannot_be_right_is_named(oidc, settings, name, value, check):
    setattr(settings, name, value)
    assert [found.id for found in run_checks(tags=["pairwise"]) if found.id[9:] in (
        "E031", "E032", "E033", "E034", "W021")] == [f"pairwise.{check}"]
