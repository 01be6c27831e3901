"""Users: made, given roles, disabled, unlocked; and that an Administrator is always left."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from provisioning.accounts.rules.sign_in import HERE, LIMITS, LOCKED_FOR
from provisioning.accounts.rules.users import UserFacts, why_not_disable, why_not_roles
from provisioning.accounts.selectors.sign_ins import name_key
from provisioning.accounts.selectors.users import get_person, people, user_list
from provisioning.accounts.services import users
from provisioning.core import permissions
from provisioning.errors import NotAllowed, Refused
from provisioning.models import Account, HistoryEntry, SignInTry
from provisioning.states import Role, SignInSource
from tests import factories
from tests.commands import run

ADMIN, OPERATOR, SUPPORT = str(Role.ADMINISTRATOR), str(Role.OPERATOR), str(Role.SUPPORT)


def facts(**changes) -> UserFacts:
    return UserFacts(**{"name": "ada", "roles": frozenset({ADMIN}), "is_enabled": True, "is_self": False,
                        "other_administrators": 1, "other_local_administrators": 1, **changes})


@pytest.mark.parametrize(("changes", "roles", "word"), [
    ({}, [ADMIN], ""), ({}, [OPERATOR], ""), ({}, [], "at least one role"),
    ({"is_self": True}, [ADMIN, SUPPORT], ""), ({"is_self": True}, [SUPPORT], "from yourself"),
    ({"other_administrators": 0}, [SUPPORT], "only Administrator"), ({"other_administrators": 0}, [ADMIN], ""),
    ({"other_administrators": 0, "is_enabled": False}, [SUPPORT], ""),
    ({"other_administrators": 0, "roles": frozenset({OPERATOR})}, [SUPPORT], ""),
    ({"is_self": True, "roles": frozenset({OPERATOR})}, [SUPPORT], ""),
    ({"other_local_administrators": 0}, [SUPPORT], "with a password"), ({"other_local_administrators": 0}, [ADMIN], ""),
    ({"other_local_administrators": 0, "source": SignInSource.LDAP}, [SUPPORT], ""),
])
def test_which_roles_a_user_can_have(changes, roles, word):
    why = why_not_roles(facts(**changes), roles)
    assert word in why
    assert bool(why) == bool(word)


@pytest.mark.parametrize(("changes", "word"), [
    ({}, ""), ({"is_self": True}, "yourself"), ({"other_administrators": 0}, "only Administrator"),
    ({"is_self": True, "roles": frozenset({SUPPORT})}, "yourself"),
    ({"other_administrators": 0, "roles": frozenset({SUPPORT})}, ""),
    ({"other_local_administrators": 0}, "with a password"),
    ({"other_local_administrators": 0, "source": SignInSource.OIDC}, ""),
])
def test_who_can_be_disabled(changes, word):
    why = why_not_disable(facts(**changes))
    assert word in why
    assert bool(why) == bool(word)


@pytest.fixture
def ada(db):
    return factories.make_user("ada", roles=(ADMIN,))


def by(user):
    return permissions.Actor(name=user.username, user_id=user.pk, roles=permissions.user_roles(user))


def history():
    return [(entry.action, entry.object_type, entry.object_name, entry.reason) for entry in HistoryEntry.objects.all()]


def test_a_user_is_made_with_a_password_for_one_sign_in(ada):
    user, password = users.create_user(actor=by(ada), name="otto", roles=[OPERATOR])
    assert user.check_password(password)
    person = get_person(user.pk)
    assert (person.roles, person.must_change_password) == ((OPERATOR,), True)
    [entry] = HistoryEntry.objects.all()
    assert entry.after == {"name": "otto", "roles": "Operator", "enabled": True}


@pytest.mark.parametrize(("name", "roles", "word"), [
    ("ADA", [OPERATOR], "already"), ("ÀDA", [OPERATOR], "already"), ("a b", [OPERATOR], "no blanks"),
    ("otto", [], "at least one role"), ("-x", [OPERATOR], "one of their options"),
    ("x" * 151, [OPERATOR], "150 fit"), ("otto", ["Boss"], "no role"), ("", [OPERATOR], "user name"),
])
def test_a_user_that_cannot_be_made_is_refused_and_not_made(ada, name, roles, word):
    with pytest.raises(Refused, match=word):
        users.create_user(actor=by(ada), name=name, roles=roles)
    assert list(User.objects.all()) == [ada]
    assert history() == []


@pytest.mark.parametrize("actor", [factories.OPERATOR, factories.SUPPORT])
@pytest.mark.parametrize("verb", [
    lambda **whom: users.create_user(name="otto", roles=[OPERATOR], actor=whom["actor"]),
    lambda **whom: users.set_roles(roles=[OPERATOR], **whom), lambda **whom: users.set_enabled(enabled=False, **whom),
    users.reset_password, users.unlock,
])
def test_only_an_administrator_changes_users(ada, actor, verb):
    with pytest.raises(NotAllowed, match="manage users"):
        verb(actor=actor, user_id=ada.pk)


def test_roles_are_given_and_taken_and_remembered(ada):
    otto = factories.make_user("otto", roles=(OPERATOR,))
    users.set_roles(actor=by(ada), user_id=otto.pk, roles=[SUPPORT, OPERATOR])
    assert get_person(otto.pk).roles == (OPERATOR, SUPPORT)
    users.set_roles(actor=by(ada), user_id=otto.pk, roles=[SUPPORT])
    [entry, _] = HistoryEntry.objects.order_by("-id")
    assert (entry.before["roles"], entry.after["roles"]) == ("Operator, Support", "Support")


def test_a_superuser_who_loses_administrator_is_none_any_more(ada):
    root = User.objects.create_superuser("root")
    assert get_person(root.pk).roles == (ADMIN,)
    users.set_roles(actor=by(ada), user_id=root.pk, roles=[SUPPORT])
    assert get_person(root.pk).roles == (SUPPORT,)
    assert permissions.user_roles(User.objects.get(pk=root.pk)) == {SUPPORT}


def test_the_last_administrator_stays(ada):
    line = permissions.command_line_actor("users")
    for verb in (lambda: users.set_roles(actor=line, user_id=ada.pk, roles=[SUPPORT]),
                 lambda: users.set_enabled(actor=line, user_id=ada.pk, enabled=False)):
        with pytest.raises(Refused, match="only Administrator"):
            verb()
    second = factories.make_user("second", roles=(ADMIN,))
    users.set_enabled(actor=line, user_id=second.pk, enabled=False)
    with pytest.raises(Refused, match="only Administrator"):
        users.set_enabled(actor=line, user_id=ada.pk, enabled=False)
    users.set_enabled(actor=line, user_id=second.pk, enabled=True)
    users.set_enabled(actor=line, user_id=ada.pk, enabled=False)
    assert not User.objects.get(pk=ada.pk).is_active


def lock(name, address="192.0.2.9", *, ago=timedelta(0)):
    SignInTry.objects.create(name_key=name_key(name), place=address, failures=LIMITS[HERE],
                              tried_at=timezone.now() - ago)


def test_a_password_for_one_sign_in_that_has_no_end_breaks_no_list(ada):
    """Whoever set the flag by hand said no time; such a password is good for no sign-in."""
    Account.objects.update_or_create(user=ada, defaults={"must_change_password": True, "good_until": None,
                                                         "used_at": None})
    person, = people(user_list())
    assert (person.must_change_password, person.password_until) == (True, None)


def test_a_lock_is_seen_and_ended(ada):
    otto = factories.make_user("otto", roles=(OPERATOR,))
    lock("otto")
    person = get_person(otto.pk)
    assert person.locked_from == ("192.0.2.9",)
    assert timedelta(minutes=14) < person.locked_until - timezone.now() <= timedelta(minutes=15)
    users.unlock(actor=by(ada), user_id=otto.pk)
    assert get_person(otto.pk).locked_until is None
    with pytest.raises(Refused, match="not locked"):
        users.unlock(actor=by(ada), user_id=otto.pk)
    assert [entry[3] for entry in history()] == ["Unlocked after failed sign-ins."]


def test_a_lock_that_is_over_is_none(ada):
    lock("ada", ago=LOCKED_FOR)
    assert get_person(ada.pk).locked_until is None


def test_a_password_that_is_reset_ends_the_lock_and_the_former_one(ada):
    otto = factories.make_user("otto", roles=(OPERATOR,), password="the former one")
    lock("otto")
    user, password = users.reset_password(actor=by(ada), user_id=otto.pk)
    assert user.check_password(password)
    assert not user.check_password("the former one")
    person = get_person(otto.pk)
    assert person.must_change_password
    assert person.locked_until is None
    assert password not in repr(list(HistoryEntry.objects.values()))


def test_many_users_cost_three_queries(ada, django_assert_num_queries):
    for number in range(30):
        factories.make_user(f"user{number}", roles=(OPERATOR,))
    with django_assert_num_queries(3):
        assert len(people(user_list())) == 31


# --- manage.py users


def test_the_command_makes_lists_and_changes_users(ada):
    code, out, _ = run("users", "add", "otto", "--role", "Operator", "--role", "Support", "--json")
    made = json.loads(out)
    assert (code, made["roles"], made["must_change_password"]) == (0, ["Operator", "Support"], True)
    assert User.objects.get(username="otto").check_password(made["password"])
    assert run("users", "roles", "otto", "--role", "Support")[1].startswith("otto: Support, enabled, never signed in")
    assert json.loads(run("users", "disable", "otto", "--json")[1])["enabled"] is False
    assert "otto: Support, disabled" in run("users", "list")[1]
    assert [user["name"] for user in json.loads(run("users", "list", "--json")[1])["users"]] == ["ada", "otto"]
    assert run("users", "enable", "otto")[0] == 0
    assert "shown only now" in run("users", "reset", "otto")[1]
    lock("otto")
    assert "locked until" in run("users", "list")[1]
    assert run("users", "unlock", "otto")[0] == 0


def test_the_command_says_what_it_refuses(ada):
    code, _, err = run("users", "disable", "ada")
    assert (code, "only Administrator" in err) == (2, True)
    assert run("users", "reset", "nobody")[0] == 2
