"""API tokens: who is let in with one, and what it lets them do."""

import secrets
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.tasks import keep_tokens
from protocol.events import Own
from provisioning.accounts.rules.tokens import LONGEST_DAYS, NOT_KNOWN, SOON, Draft
from provisioning.accounts.selectors.users import facts_of, get_person
from provisioning.accounts.services import tokens, users
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.core.permissions import EXPORT, OPERATE, USERS, VIEW, Actor
from provisioning.core.signals import signed_out
from provisioning.errors import Conflict, NotAllowed, NotFound, NotSignedIn, Refused
from provisioning.models import ApiToken, Event, HistoryEntry, SignInTry
from provisioning.states import HistoryAction, Role, TokenScope
from tests import factories
from tests.factories import ADMINISTRATOR
from tests.provisioning.sign_ins import HOME, PASSWORD, by, refused

WRONG = f"pw_{'x' * 8}_{'y' * 40}"


def made(user, **fields):
    """(token, its text) of what ``user`` makes."""
    draft = Draft(**{"name": "nightly", "roles": ["Operator"], **fields})
    return tokens.make_token(actor=by(user), owner=user, draft=draft)


def shown(text, address=HOME):
    return tokens.actor_of_token(text, address=address)


def guesses(count, address=HOME, text=WRONG):
    for _ in range(count):
        with pytest.raises(NotSignedIn):
            shown(text, address)


def test_whoever_shows_it_acts_as_its_owner_and_history_says_by_which_token(otto):
    _, text = made(otto)
    actor = shown(text)
    assert (actor.name, actor.user_id, actor.roles) == ("otto", otto.pk, {"Operator"})
    assert (actor.origin, actor.token, actor.read_only) == (f"token nightly from {HOME}", "nightly", False)
    assert actor.may(OPERATE)


def test_neither_its_secret_nor_its_digest_is_in_history_and_the_secret_is_nowhere(otto):
    row, text = made(otto, description="Of the night shift.")
    secret = text.rpartition("_")[2]
    tokens.change_token(actor=by(otto), token_id=row.pk, description="", networks="10.0.0.0/8", enabled=True)
    tokens.revoke_token(actor=by(otto), token_id=row.pk)
    entries = HistoryEntry.objects.filter(object_type="api_token").order_by("number")
    assert [(entry.action, entry.object_name) for entry in entries] == [
        (HistoryAction.CREATED, "nightly"), (HistoryAction.CHANGED, "nightly"), (HistoryAction.DELETED, "nightly")]
    everything = repr([list(model.objects.values()) for model in (HistoryEntry, ApiToken, Event)])
    assert row.key in everything
    assert secret not in everything
    assert row.digest not in everything


@pytest.mark.parametrize("change", [
    lambda text: WRONG, lambda text: "", lambda text: "Bearer", lambda text: text[:-1],
    lambda text: text[:-1] + ("a" if text[-1] != "a" else "b"), lambda text: text.swapcase(),
    lambda text: text.rpartition("_")[2]])
def test_what_is_no_token_of_here_lets_nobody_in(otto, change):
    _, text = made(otto)
    with pytest.raises(NotSignedIn) as caught:
        shown(change(text))
    assert str(caught.value) == NOT_KNOWN


def test_of_a_key_that_nobody_has_as_much_is_computed(otto, monkeypatch):
    row, _ = made(otto)
    computed = []
    real = tokens.rules.digest
    monkeypatch.setattr(tokens.rules, "digest", lambda *words: computed.append(1) or real(*words))
    for text in (f"pw_{row.key}_{'y' * 40}", WRONG, "no token"):
        guesses(1, text=text)
        assert len(computed) == len(tokens._keys())
        computed.clear()


@pytest.mark.parametrize(("change", "words"), [
    (lambda row: ApiToken.objects.update(enabled=False), "is disabled"),
    (lambda row: ApiToken.objects.update(expires_at=timezone.now()), "expired at"),
    (lambda row: type(row.owner).objects.update(is_active=False), "its owner otto is disabled")])
def test_one_that_was_good_says_why_it_is_not_any_more(otto, change, words):
    row, text = made(otto)
    shown(text)
    change(row)
    with pytest.raises(NotSignedIn, match=words):
        shown(text)


def test_an_owner_who_loses_a_role_loses_it_for_the_token_at_once(otto):
    otto.groups.add(Group.objects.get_or_create(name=Role.SUPPORT)[0])
    _, text = made(otto, roles=["Operator", "Support"])
    assert shown(text).roles == {"Operator", "Support"}
    users.set_roles(actor=ADMINISTRATOR, user_id=otto.pk, roles=["Support", "Administrator"])
    assert shown(text).roles == {"Support"}
    otto.groups.clear()
    assert not shown(text).may(VIEW)


def test_one_that_only_reads_changes_nothing_whatever_its_roles(ada):
    _, text = made(ada, roles=["Administrator"], read_only=True)
    actor = shown(text)
    assert [actor.may(verb) for verb in (VIEW, EXPORT, OPERATE, USERS)] == [True, True, False, False]
    with pytest.raises(NotAllowed, match="This token only reads"):
        actor.require(OPERATE)
    with pytest.raises(NotAllowed, match="This token only reads"):
        tokens.revoke_token(actor=actor, token_id=ApiToken.objects.get().pk)


def test_it_is_good_from_its_networks_alone(otto):
    _, text = made(otto, networks="192.0.2.0/24")
    shown(text)
    with pytest.raises(NotAllowed, match=r"not good from 203\.0\.113\.9"):
        shown(text, "203.0.113.9")


def test_one_revokes_itself_and_no_other_of_its_owner_unless_it_manages_users(ada):
    other, _ = made(ada, name="other", roles=["Administrator"])
    row, text = made(ada, roles=["Administrator"])
    ApiToken.objects.filter(pk=row.pk).update(roles=["Support"])
    with pytest.raises(NotAllowed, match="Your role does not let you manage users"):
        tokens.revoke_token(actor=shown(text), token_id=other.pk)
    tokens.revoke_token(actor=shown(text), token_id=row.pk)
    assert [each.name for each in ApiToken.objects.all()] == ["other"]


@pytest.mark.parametrize("change", [
    lambda row: ApiToken.objects.update(enabled=False), lambda row: ApiToken.objects.update(expires_at=timezone.now()),
    lambda row: factories.User.objects.update(is_active=False), lambda row: row.owner.groups.clear(),
    lambda row: ApiToken.objects.update(scope=TokenScope.METRICS), lambda row: row.delete(),
    lambda row: ApiToken.objects.update(networks="203.0.113.0/24")])
def test_what_one_lets_somebody_do_is_nothing_wherever_it_lets_nobody_in(otto, change):
    row, text = made(otto)
    assert OPERATE in tokens.verbs_by(text, address=HOME)
    change(row)
    assert not tokens.verbs_by(text, address=HOME)
    assert not SignInTry.objects.exists()


def test_one_that_was_changed_or_revoked_is_looked_at_by_the_streams_that_it_opened(otto, monkeypatch):
    row, _ = made(otto)
    seen = []
    monkeypatch.setattr(tokens.changes, "tell", lambda *topics: seen.append(topics))
    tokens.change_token(actor=by(otto), token_id=row.pk, description="", networks="", enabled=False)
    tokens.revoke_token(actor=by(otto), token_id=row.pk)
    assert [signed_out(otto.pk) in topics for topics in seen] == [True, True]


def test_when_and_from_where_it_was_used_is_written_once_a_minute(otto):
    _, text = made(otto)
    shown(text)
    first = ApiToken.objects.get()
    assert first.used_from == HOME
    with CaptureQueriesContext(connection) as seen:
        shown(text, "192.0.2.2")
    assert not [each["sql"] for each in seen.captured_queries if each["sql"].startswith("UPDATE")]
    assert ApiToken.objects.get().used_at == first.used_at
    ApiToken.objects.update(used_at=first.used_at - timedelta(minutes=1))
    shown(text, "192.0.2.2")
    assert ApiToken.objects.get().used_from == "192.0.2.2"


def test_a_use_from_where_it_was_used_before_costs_one_read(otto):
    _, text = made(otto)
    shown(text)
    with CaptureQueriesContext(connection) as seen:
        shown(text)
    assert [each["sql"].split()[0] for each in seen.captured_queries] == ["SELECT"]


def test_all_roles_of_an_owner_who_has_several_count(otto):
    otto.groups.add(Group.objects.get_or_create(name=Role.SUPPORT)[0])
    _, text = made(otto, roles=["Operator", "Support"])

    assert shown(text).roles == {"Operator", "Support"}


def test_it_outlives_a_rotation_of_the_key_if_it_is_used_while_the_former_one_counts(otto, settings):
    _, text = made(otto)
    _, unused = made(otto, name="unused")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = secrets.token_urlsafe(48)
    shown(text)
    settings.SECRET_KEY_FALLBACKS = []
    assert shown(text).name == "otto"
    guesses(1, text=unused)


# --- who makes which


def test_a_person_makes_their_own_and_an_administrator_none_in_the_name_of_others(otto, ada):
    with pytest.raises(NotAllowed):
        tokens.make_token(actor=by(otto), owner=ada, draft=Draft(name="mine", roles=["Administrator"]))
    with pytest.raises(Refused, match="Only otto makes tokens of otto"):
        tokens.make_token(actor=by(ada), owner=otto, draft=Draft(name="mine", roles=["Operator"]))
    with pytest.raises(Refused, match="You do not have the role Administrator"):
        made(otto, roles=["Administrator"])
    with pytest.raises(Refused, match="Only an Administrator makes tokens that do not expire"):
        made(otto, days=None)
    assert not ApiToken.objects.exists()
    assert made(ada, roles=["Administrator"], days=None)[0].expires_at is None


def test_a_token_makes_and_changes_none(ada):
    row, text = made(ada, roles=["Administrator"])
    actor = shown(text)
    for work in (lambda: tokens.make_token(actor=actor, owner=ada, draft=Draft(name="more", roles=["Administrator"])),
                 lambda: tokens.change_token(actor=actor, token_id=row.pk, description="", networks="", enabled=True),
                 lambda: make_service_token(actor=actor, draft=Draft(name="robot", roles=["Administrator"]))):
        with pytest.raises(NotAllowed, match="Sign in, or use"):
            work()
    assert ApiToken.objects.count() == 1
    tokens.revoke_token(actor=actor, token_id=row.pk)


def test_others_see_change_and_revoke_nothing_and_an_administrator_does(otto, ada):
    row, text = made(otto)
    sue = factories.make_user("sue", roles=(Role.SUPPORT,))
    for work in (lambda actor: tokens.change_token(actor=actor, token_id=row.pk, description="", networks="",
                                                   enabled=False),
                 lambda actor: tokens.revoke_token(actor=actor, token_id=row.pk)):
        with pytest.raises(NotAllowed):
            work(by(sue))
    tokens.change_token(actor=by(ada), token_id=row.pk, description="", networks="", enabled=False)
    guesses(1, text=text)
    tokens.revoke_token(actor=by(ada), token_id=row.pk)
    with pytest.raises(NotFound):
        tokens.revoke_token(actor=by(ada), token_id=row.pk)


def test_who_saves_second_is_told_what_the_first_one_saved(otto, ada):
    row, _ = made(otto)
    tokens.change_token(actor=by(ada), token_id=row.pk, description="Hers.", networks="", enabled=True, revision=1)
    with pytest.raises(Conflict) as caught:
        tokens.change_token(actor=by(otto), token_id=row.pk, description="", networks="", enabled=True, revision=1)
    [difference] = caught.value.differences
    assert (difference.field, difference.theirs, difference.yours) == ("description", "Hers.", "")
    assert (caught.value.saved_by, caught.value.revision) == ("ada", 2)


# --- service accounts


def test_a_service_account_has_a_token_of_its_name_and_never_signs_in(ada):
    row, text = make_service_token(actor=by(ada), draft=Draft(name="robot", roles=["Operator"]))
    actor = shown(text)
    assert (actor.name, actor.roles, actor.token) == ("robot", {"Operator"}, "robot")
    user = row.owner
    for password in ("", "robot", user.password, PASSWORD):
        assert authenticate(username="robot", password=password) is None
    for work in (lambda: users.reset_password(actor=by(ada), user_id=user.pk),
                 lambda: users.set_password(actor=by(ada), user_id=user.pk, password=PASSWORD, reason="By hand.")):
        with pytest.raises(Refused, match="A service account has no password"):
            work()
    assert get_person(user.pk).is_service
    user.set_password(PASSWORD)
    user.save()
    assert "nobody signs in as it" in str(refused("robot", PASSWORD))


def test_it_does_not_count_as_the_administrator_that_is_left(ada):
    make_service_token(actor=by(ada), draft=Draft(name="robot", roles=["Administrator"]))
    assert facts_of(ada, asked_by=None).other_administrators == 0
    with pytest.raises(Refused, match="only Administrator who may sign in"):
        users.set_enabled(actor=Actor(name="x", roles=frozenset({"Administrator"})), user_id=ada.pk, enabled=False)


def test_an_account_whose_tokens_were_revoked_is_used_again_and_that_of_a_person_never(ada, otto):
    def make(role):
        return make_service_token(actor=by(ada), draft=Draft(name="robot", roles=[role]))

    row, _ = make("Support")
    with pytest.raises(Refused, match="There is a token named robot already"):
        make("Support")
    tokens.revoke_token(actor=by(ada), token_id=row.pk)
    users.set_enabled(actor=by(ada), user_id=row.owner_id, enabled=False)
    again, text = make("Operator")
    assert (again.owner, shown(text).roles) == (row.owner, {"Operator"})
    with pytest.raises(Refused, match="otto is a user who signs in"):
        make_service_token(actor=by(ada), draft=Draft(name="otto", roles=["Operator"]))
    with pytest.raises(NotAllowed):
        make_service_token(actor=by(otto), draft=Draft(name="other", roles=["Operator"]))


def test_what_is_refused_of_a_token_leaves_no_account(ada):
    with pytest.raises(Refused):
        make_service_token(actor=by(ada), draft=Draft(name="robot", roles=["Operator"], days=LONGEST_DAYS + 1))
    assert not type(ada).objects.filter(username="robot").exists()


# --- those for metrics


def test_one_for_metrics_is_good_for_nothing_else_and_others_are_not_for_metrics(otto, ada):
    _, text = made(otto, scope=TokenScope.METRICS, roles=["Operator"])
    assert ApiToken.objects.get().roles == []
    tokens.require_metrics_token(text, address=HOME)
    with pytest.raises(NotAllowed, match="good for /metrics alone"):
        shown(text)
    _, other = made(ada, roles=["Administrator"])
    with pytest.raises(NotAllowed, match="not one for metrics"):
        tokens.require_metrics_token(other, address=HOME)
    otto.groups.clear()
    with pytest.raises(NotAllowed, match="has no role any more"):
        tokens.require_metrics_token(text, address=HOME)


# --- those that expire


def test_people_are_told_once_two_weeks_before_it_expires(otto, ada):
    row, _ = made(otto)
    made(otto, name="other")
    keep_tokens()
    assert not Event.objects.exists()
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() + SOON - timedelta(seconds=1))
    keep_tokens()
    keep_tokens()
    [event] = Event.objects.all()
    assert (event.number, event.level) == (Own.TOKEN_ENDS, "alarm")
    assert event.text.startswith("API tokens expire: nightly of otto at ")
    assert "other" not in event.text


def test_what_the_worker_of_another_machine_tells_at_the_same_moment_is_told_once(otto, monkeypatch):
    made(otto)
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))

    def other_worker(row):
        ApiToken.objects.update(told_at=timezone.now())
        return row.name

    # Between its look and its word.
    monkeypatch.setattr(ApiToken, "__str__", other_worker)
    keep_tokens()
    assert not Event.objects.exists()


@pytest.mark.parametrize("change", [
    lambda: ApiToken.objects.update(enabled=False), lambda: ApiToken.objects.update(expires_at=timezone.now()),
    lambda: ApiToken.objects.update(expires_at=None)])
def test_of_one_that_nobody_can_use_nothing_is_told(otto, change):
    made(otto)
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    change()
    keep_tokens()
    assert not Event.objects.exists()


@pytest.mark.django_db
def test_many_are_one_event_that_names_the_first():
    owner = factories.make_user("otto", roles=(Role.OPERATOR,))
    now = timezone.now()
    ApiToken.objects.bulk_create(ApiToken(
        key=f"{number:08}", digest="", owner=owner, name=f"t{number}", created_at=now, created_by="otto",
        expires_at=now + timedelta(days=1, seconds=number)) for number in range(12))
    keep_tokens()
    assert Event.objects.get().text.endswith("UTC, and 2 more.")
