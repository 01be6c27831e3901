"""A password of a directory: who gets in by it, with which roles, and what happens while it is away (a real slapd)."""

import json
from html import unescape
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client

from provisioning.accounts.rules import directory as rules
from provisioning.accounts.services import directory as service
from provisioning.accounts.services import directory_users
from provisioning.core.permissions import user_roles
from provisioning.models import Event, HistoryEntry, SignInTry
from provisioning.states import SignInSource
from tests.commands import run
from tests.directory import BASE, LENAS, ROOT_DN, ROOT_PASSWORD, slapd
from tests.html import flat
from tests.provisioning.sign_ins import PASSWORD, told

__all__ = ["slapd"]
DIALOG = "/provisioning/accounts/sign-in/directory/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def remembered():
    service.REMEMBERED.forget()


@pytest.fixture
def set_up(settings):
    """A directory that nobody can reach, until a test says another one."""
    settings.PAIRWISE_LDAP_URL, settings.PAIRWISE_LDAP_ROLES = "ldaps://127.0.0.1:9", "noc=Operator,audit=Support"
    settings.PAIRWISE_LDAP_BIND_DN, settings.PAIRWISE_LDAP_BIND_PASSWORD = ROOT_DN, ROOT_PASSWORD
    settings.PAIRWISE_LDAP_USERS, settings.PAIRWISE_LDAP_GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
    return settings


@pytest.fixture
def ldap(slapd, set_up):
    set_up.PAIRWISE_LDAP_URL, set_up.PAIRWISE_LDAP_CA = slapd.url, slapd.ca
    return slapd


def sign_in(name="lena", password=LENAS):
    client = Client(REMOTE_ADDR="198.51.100.7")
    return client, client.post("/login/", {"username": name, "password": password})


def words(answer):
    return unescape(flat(answer))


# --- a real one

of_slapd = pytest.mark.long


@of_slapd
def test_who_is_in_a_group_by_way_of_another_group_gets_its_role(ldap):
    client, answer = sign_in()
    assert answer.status_code == 302
    assert client.get("/operations/jobs/").status_code == 200
    user = User.objects.get(username="lena")
    assert (user_roles(user), user.account.source, user.has_usable_password()) == ({"Operator"}, "ldap", False)
    created = HistoryEntry.objects.get(action="created", object_name="lena")
    assert (created.user_name, created.origin) == ("LDAP", "198.51.100.7")
    assert told()[-1][-1] == "Signed in."


@of_slapd
@pytest.mark.parametrize("name", ["LENA", " lena "])
def test_a_name_is_written_as_the_directory_has_it(ldap, name):
    sign_in()
    assert sign_in(name)[1].status_code == 302
    assert list(User.objects.values_list("username", flat=True)) == ["lena"]


@of_slapd
@pytest.mark.parametrize("password", ["wrong", " ", "*", LENAS.upper()])
def test_a_wrong_password_lets_nobody_in_and_counts(ldap, password):
    _, answer = sign_in(password=password)
    assert "The user name or the password is wrong" in answer.text
    assert SignInTry.objects.get().failures == 1


@of_slapd
@pytest.mark.parametrize("name", ["*", "lena)(uid=*", "l*"])
def test_a_name_is_no_filter(ldap, name):
    assert sign_in(name)[1].status_code == 200
    assert not User.objects.exists()


@of_slapd
def test_nobody_there_takes_a_user_of_ours_over(ldap, ada):
    for name in ("ada", "ADA"):
        assert sign_in(name)[1].status_code == 200
    assert sign_in("ada", PASSWORD)[1].status_code == 302


@of_slapd
def test_who_is_in_no_group_with_a_role_any_more_loses_roles_and_sessions(ldap, settings):
    client, _ = sign_in()
    settings.PAIRWISE_LDAP_ROLES = "audit=Support"
    _, answer = sign_in()
    assert "None of your groups in the directory has a role here" in answer.text
    assert user_roles(User.objects.get(username="lena")) == set()
    assert client.get("/operations/jobs/").status_code == 302


@of_slapd
def test_roles_stay_where_the_groups_cannot_be_read(ldap, settings):
    sign_in()
    settings.PAIRWISE_LDAP_GROUPS = f"ou=nowhere,{BASE}"
    assert sign_in()[1].status_code == 302
    assert user_roles(User.objects.get(username="lena")) == {"Operator"}
    assert "its groups could not be read" in Event.objects.get(number=20141).text


@of_slapd
@pytest.mark.parametrize("said", ["UNWILLING_TO_PERFORM", "INAPPROPRIATE_AUTH", "CONSTRAINT_VIOLATION", "OTHER",
                                  "INSUFFICIENT_ACCESS", "STRONG_AUTH_REQUIRED", "INVALID_CREDENTIALS"])
def test_what_the_directory_says_of_one_user_keeps_no_other_one_out(ldap, monkeypatch, said):
    import ldap as library
    from django_auth_ldap.backend import _LDAPUser

    as_it_is = _LDAPUser._bind_as

    def bind_as(self, dn, password, sticky=False):
        if password == "of a locked user":
            raise getattr(library, said)
        return as_it_is(self, dn, password, sticky=sticky)

    monkeypatch.setattr(_LDAPUser, "_bind_as", bind_as)
    _, answer = sign_in(password="of a locked user")
    assert "The user name or the password is wrong" in answer.text
    assert SignInTry.objects.get().failures == 1
    assert sign_in()[1].status_code == 302


@of_slapd
def test_a_directory_that_is_away_when_it_is_shown_a_password_is_away(ldap, monkeypatch):
    import ldap as library
    from django_auth_ldap.backend import _LDAPUser

    assert {each for each in service.AWAY if issubclass(getattr(library, each), library.LDAPError)} == service.AWAY
    as_it_is = _LDAPUser._bind_as

    def bind_as(self, dn, password, sticky=False):
        if not sticky:
            raise library.SERVER_DOWN
        return as_it_is(self, dn, password, sticky=sticky)

    monkeypatch.setattr(_LDAPUser, "_bind_as", bind_as)
    assert "The directory does not answer" in sign_in()[1].text
    assert not SignInTry.objects.exists()


@of_slapd
def test_an_authority_that_is_not_trusted_is_no_directory(ldap, settings):
    settings.PAIRWISE_LDAP_CA = ""
    assert "The directory does not answer" in sign_in()[1].text


@of_slapd
def test_the_password_of_the_directory_is_asked_for_before_what_is_dangerous(ldap):
    client, _ = sign_in()
    assert "The current password is wrong." in client.post("/account/confirm/", {"password": "wrong"}).text
    assert client.post("/account/confirm/", {"password": LENAS}).status_code == 302


@of_slapd
def test_the_command_says_groups_and_roles(ldap):
    code, out, _ = run("ldap_test", "lena", "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["dn"], said["groups"], said["roles"]) == (
        f"uid=lena,ou=people,{BASE}", ["noc", "noc-night"], ["Operator"])
    assert not User.objects.exists()


@of_slapd
def test_an_administrator_is_shown_groups_and_roles_of_somebody_there(ldap, administrator):
    answer = administrator.post(DIALOG, {"name": "lena"})
    text = words(answer)
    assert answer.status_code == 200
    for said in (f"uid=lena,ou=people,{BASE}", "noc, noc-night", "Operator", "gets in with the right password"):
        assert said in text
    assert 'There is no "nobody" in the directory' in words(administrator.post(DIALOG, {"name": "nobody"}))
    assert not User.objects.filter(username="lena").exists()


@of_slapd
def test_an_administrator_is_told_what_keeps_somebody_out(ldap, administrator, ada, settings):
    assert "there is a user ada here already who is not of the directory" in words(
        administrator.post(DIALOG, {"name": "ada"}))
    settings.PAIRWISE_LDAP_ROLES = "audit=Support"
    assert "nobody new gets in without a group that has a role here" in words(
        administrator.post(DIALOG, {"name": "lena"}))


@of_slapd
def test_a_directory_that_answers_a_test_is_asked_at_the_next_sign_in(ldap, administrator):
    service.REMEMBERED.away("it was down")
    assert "it was down" in sign_in()[1].text
    administrator.post(DIALOG, {"name": "lena"})
    assert sign_in()[1].status_code == 302


@of_slapd
def test_groups_in_groups_are_followed_for_a_bounded_time_and_roles_stay(ldap, monkeypatch):
    sign_in()
    assert service.ask(name="lena", password=LENAS).groups == {"noc", "noc-night"}
    clock = [0.0]
    monkeypatch.setattr(service, "time", SimpleNamespace(monotonic=lambda: clock.append(clock[-1] + 4) or clock[-1]))
    entry = service.look_up("lena")
    assert (entry.groups, "it has not answered everything within 10 s" in entry.why_unknown) == (None, True)


@of_slapd
def test_no_more_than_so_many_entries_are_read(ldap, monkeypatch):
    monkeypatch.setattr(service, "MOST_ENTRIES", 2)
    entry = service.look_up("lena")
    assert (entry.groups, "more than 2 entries" in entry.why_unknown) == (None, True)


@of_slapd
def test_a_directory_that_comes_back_is_asked_again(ldap):
    sign_in()
    ldap.stop()
    try:
        _, answer = sign_in()
        assert "The directory does not answer" in answer.text
        assert not SignInTry.objects.filter(failures__gt=0).exists()
    finally:
        ldap.start()
    assert "The directory does not answer" in sign_in()[1].text, "it is not asked for a while"
    service.REMEMBERED.forget()
    assert sign_in()[1].status_code == 302


# --- none at all


@pytest.mark.parametrize(("url", "roles", "said"), [
    ("", "", "No directory is set up here"),
    ("ldaps://127.0.0.1:9", "noc=Chief", "PAIRWISE_LDAP_ROLES cannot be read")])
def test_a_test_says_what_is_not_set_up(set_up, administrator, url, roles, said):
    set_up.PAIRWISE_LDAP_URL, set_up.PAIRWISE_LDAP_ROLES = url, roles
    answer = administrator.post(DIALOG, {"name": "lena"})
    assert (answer.status_code, said in words(answer)) == (422, True)


def test_a_test_of_a_directory_that_is_away_says_so(set_up, administrator, monkeypatch):
    def away(name):
        raise service.DirectoryAway("ldaps://127.0.0.1:9: Can't contact LDAP server")

    monkeypatch.setattr(service, "look_up", away)
    assert "The directory does not answer: ldaps://127.0.0.1:9: Can't contact LDAP server." in words(
        administrator.post(DIALOG, {"name": "lena"}))
    assert "Whom to look for?" in words(administrator.post(DIALOG, {"name": ""}))


def test_while_it_is_away_nothing_counts_and_local_users_get_in_at_once(set_up, ada, monkeypatch):
    asked = []

    def away(**who):
        asked.append(who["name"])
        raise service.DirectoryAway("ldaps://127.0.0.1:9: Can't contact LDAP server")

    monkeypatch.setattr(service, "ask", away)
    for _ in range(10):
        _, answer = sign_in()
    assert "The directory does not answer (ldaps://127.0.0.1:9: Can&#x27;t contact LDAP server)" in answer.text
    assert not SignInTry.objects.exists()
    assert sign_in("ada", PASSWORD)[1].status_code == 302
    assert set(asked) == {"lena"}


def test_the_three_cases_of_groups(set_up, db):
    def entry(*groups, why=""):
        return rules.Entry(dn="uid=lena", name="lena", groups=None if why else frozenset(groups), why_unknown=why)

    def admitted(found):
        user, why = directory_users.admit(entry=found, origin="198.51.100.7")
        return user_roles(user) if user else why

    assert "could not be read" in admitted(entry(why="its groups could not be read"))
    assert not User.objects.exists()
    assert admitted(entry("noc", "others")) == {"Operator"}
    assert admitted(entry("noc", "audit")) == {"Operator", "Support"}
    assert admitted(entry(why="its groups could not be read")) == {"Operator", "Support"}
    assert "None of your groups" in admitted(entry("others"))
    assert user_roles(User.objects.get()) == set()
    assert User.objects.get().account.source == SignInSource.LDAP


@pytest.mark.parametrize(("names", "typed", "name"), [
    (["lena"], "LENA", "lena"), (["lena"], "lena@example.com", "lena"), ([], "lena", "lena"),
    (["ada", "lena"], "lena", "lena"), (["ada", "lena"], "LENA", "lena"), (["ada", "x"], "lena", "lena"),
])
def test_who_has_several_names_there_is_called_as_was_typed(names, typed, name):
    assert rules.name_of({"uid": names}, user_filter="(uid=%(user)s)", typed=typed) == name


@pytest.mark.parametrize(("name", "value", "words"), [
    ("PAIRWISE_LDAP_URL", "http://dc.example.com", "write ldaps://server"),
    ("PAIRWISE_LDAP_PLAIN", True, "ldap:// only"),
    ("PAIRWISE_LDAP_USERS", "", "name where to look"), ("PAIRWISE_LDAP_GROUPS", "", "name where to look"),
    ("PAIRWISE_LDAP_USER_FILTER", "(uid=lena)", "has to have a part"),
    ("PAIRWISE_LDAP_GROUP_TYPE", "ad", "choose one of"),
])
def test_a_setting_that_cannot_be_right_is_named(set_up, name, value, words):
    assert not [found for found in run_checks(tags=["pairwise"]) if found.id == "pairwise.E036"]
    setattr(set_up, name, value)
    [found] = [found for found in run_checks(tags=["pairwise"]) if found.id == "pairwise.E036"]
    assert words in found.msg
