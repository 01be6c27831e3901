"""Signing in: who is let in, what is counted, what History tells of it, and that nobody fills it."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from console.tasks import keep_sign_ins
from provisioning.accounts.rules.sign_in import FAMILIAR_FOR, GOOD_FOR, HERE, LIMITS, LOCKED_FOR, NAME, PLACE
from provisioning.accounts.selectors.users import EVERYWHERE, get_person
from provisioning.accounts.services import sign_in as service
from provisioning.accounts.services import users
from provisioning.accounts.services.locked_tries import LockedTries
from provisioning.accounts.services.sign_in import SignInRefused
from provisioning.accounts.services.sign_in_story import MOST, STRANGER, TOLD_EVERY
from provisioning.history.entries import deleted_objects, mark_present
from provisioning.models import Account, HistoryEntry, SignInTry
from tests import factories
from tests.provisioning.sign_ins import HOME, PASSWORD, by, let_in, refused, told


@pytest.fixture(autouse=True)
def locked_tries(monkeypatch):
    """Nothing was counted by other tests."""
    monkeypatch.setattr(service, "TRIES", LockedTries())


def later(by: timedelta):
    """Everything that was tried and told was so long ago."""
    for row in SignInTry.objects.all():
        row.tried_at -= by
        row.signed_in_at = row.signed_in_at and row.signed_in_at - by
        row.told_at = row.told_at and row.told_at - by
        row.save()


def test_who_signs_in_is_told_with_the_origin(otto):
    assert let_in() == otto
    assert told() == [("otto", HOME, "otto", "Signed in.")]


def test_a_failure_is_told_with_the_origin_and_without_the_password(otto):
    assert str(refused()) == "The user name or the password is wrong. Both are case-sensitive."
    assert told() == [(STRANGER, HOME, "otto", "Was not let in: wrong password.")]
    [entry] = HistoryEntry.objects.all()
    assert (entry.object_type, entry.object_id, entry.user_id) == ("user", str(otto.pk), None)


def test_of_a_name_that_is_no_user_next_to_nothing_is_kept_anywhere(otto):
    typed = "planted-secret of somebody"
    refused(typed)
    refused(typed)
    keep_sign_ins()
    assert told() == [(STRANGER, HOME, "pl… (no such user)", "Was not let in: there is no such user.")]
    everything = repr([list(model.objects.values()) for model in (SignInTry, HistoryEntry)])
    assert not [part for part in (typed, "planted", "secret") if part in everything]
    assert [entry.is_present for entry in mark_present(HistoryEntry.objects.all())] == [False]
    assert list(deleted_objects()) == []


def test_a_disabled_user_is_not_let_in_and_history_says_why(ada, otto):
    users.set_enabled(actor=by(ada), user_id=otto.pk, enabled=False)
    refused(password=PASSWORD)
    assert told() == [(STRANGER, HOME, "otto", "Was not let in: the user is disabled.")]


def test_what_failed_within_a_minute_is_counted_and_told_once(otto):
    for _ in range(4):
        refused()
    assert len(told()) == 1
    keep_sign_ins()
    assert len(told()) == 1
    later(TOLD_EVERY)
    keep_sign_ins()
    assert told()[1:] == [(STRANGER, HOME, "otto", "Was not let in, 3 times more.")]
    later(TOLD_EVERY)
    keep_sign_ins()
    assert len(told()) == 2


def test_a_success_tells_of_what_failed_just_before(otto):
    for _ in range(3):
        refused()
    let_in()
    assert told()[-1] == ("otto", HOME, "otto", "Signed in. 2 failed from there just before.")
    later(TOLD_EVERY)
    keep_sign_ins()
    assert len(told()) == 2


def test_the_right_password_is_refused_while_it_is_locked_and_trying_makes_it_no_longer(otto):
    for _ in range(LIMITS[HERE] - 1):
        assert refused().lock is None
    lock = refused().lock
    assert (lock.kind, refused(password=PASSWORD).lock, refused().lock) == (HERE, lock, lock)
    [row] = SignInTry.objects.all()
    assert (row.failures, row.tried_at + LOCKED_FOR) == (LIMITS[HERE], lock.until)
    assert told()[-2:] == [
        (STRANGER, HOME, "otto", f"Locked until {lock.until:%H:%M} UTC, from there: 5 failed sign-ins."),
        (STRANGER, HOME, "otto", f"Was not looked at: it is locked until {lock.until:%H:%M} UTC.")]
    later(LOCKED_FOR)
    assert let_in() == otto


def test_a_lock_is_for_one_address_alone(otto):
    for _ in range(LIMITS[HERE]):
        refused()
    assert let_in(origin="192.0.2.2") == otto


def test_a_network_of_one_machine_is_one_address(otto):
    for number in range(LIMITS[HERE]):
        lock = refused(origin=f"2001:db8::{number + 1:x}").lock
    assert lock.kind == HERE


def test_a_success_with_the_own_name_takes_back_no_failure_of_another(ada, otto):
    for _ in range(LIMITS[HERE] - 1):
        refused("ada")
    let_in("otto")
    assert refused("ada").lock.kind == HERE


def test_a_stranger_at_many_addresses_is_stopped_and_keeps_nobody_out_of_where_he_works(ada):
    let_in("ada", origin="192.0.2.50")
    for number in range(LIMITS[NAME]):
        lock = refused("ada", origin=f"198.51.100.{number}").lock
    assert (lock.kind, lock.places) == (NAME, LIMITS[NAME])
    assert refused("ada", PASSWORD, origin="203.0.113.1").lock.kind == NAME
    assert told()[-1][3] == (f"Locked until {lock.until:%H:%M} UTC, but from where ada has signed in lately: 20 failed "
                             "sign-ins from 20 addresses.")
    person = get_person(ada.pk)
    assert (person.locked_until, person.locked_from) == (lock.until, (EVERYWHERE,))
    assert let_in("ada", origin="192.0.2.50") == ada
    assert let_in("ada", origin="127.0.0.1") == ada
    users.unlock(actor=factories.ADMINISTRATOR, user_id=ada.pk)
    assert let_in("ada", origin="203.0.113.1") == ada


def test_one_address_that_tries_many_names_is_stopped_but_for_who_works_there(ada, otto):
    let_in("otto")
    for number in range(LIMITS[PLACE]):
        lock = refused(f"somebody{number}").lock
    assert lock.kind == PLACE
    assert refused("ada", PASSWORD).lock.kind == PLACE
    assert refused("nobody at all").lock.kind == PLACE
    assert let_in("otto") == otto
    assert SignInTry.objects.count() == LIMITS[PLACE] + 1


@pytest.mark.long
def test_a_flood_of_many_addresses_does_not_fill_history(otto):
    for number in range(300):
        refused(f"name{number}", origin=f"10.0.{number // 250}.{number % 250}")
    assert len(told()) == MOST
    later(TOLD_EVERY)
    with_former = len(told())
    service.tell_and_forget(timezone.now() + TOLD_EVERY)
    new = told()[with_former:]
    assert len(new) == MOST + 1
    assert new[-1] == (STRANGER, "", "several names", f"Was not let in, {300 - 2 * MOST} times more, from "
                                                      f"{300 - 2 * MOST} addresses.")
    assert not SignInTry.objects.exclude(untold=0).exists()


def test_a_flood_from_one_address_is_few_entries(otto):
    lock = [refused(f"name{number}").lock for number in range(60)][-1]
    later(TOLD_EVERY)
    keep_sign_ins()
    assert [entry[3] for entry in told()] == [
        "Was not let in: there is no such user.",
        f"Locked until {lock.until:%H:%M} UTC, from there, for all who have not signed in there lately: 30 failed "
        "sign-ins.",
        f"Was not looked at: it is locked until {lock.until:%H:%M} UTC.",
        f"Was not let in, {LIMITS[PLACE] - 2} times more."]


def test_a_lock_of_a_user_is_told_whatever_else_is(otto):
    for number in range(MOST):
        refused(f"name{number}", origin=f"198.51.100.{number}")
    for _ in range(LIMITS[HERE]):
        refused()
    assert told()[-1][2:] == ("otto", told()[-1][3])
    assert told()[-1][3].startswith("Locked until")


def test_what_does_not_count_any_more_is_removed(otto):
    refused("nobody in particular")
    let_in()
    later(LOCKED_FOR + TOLD_EVERY)
    keep_sign_ins()
    keep_sign_ins()
    assert [row.signed_in_at is None for row in SignInTry.objects.all()] == [False]
    later(FAMILIAR_FOR)
    keep_sign_ins()
    assert not SignInTry.objects.exists()


def test_the_present_password_cannot_be_found_out_by_who_got_hold_of_a_session(otto):
    for _ in range(LIMITS[HERE]):
        with pytest.raises(SignInRefused, match="current password is wrong"):
            service.confirm(user=otto, password="wrong", origin=HOME)
    with pytest.raises(SignInRefused, match="too many failed"):
        service.confirm(user=otto, password=PASSWORD, origin=HOME)
    assert told()[0][3] == "Was not let in: wrong current password."


# --- passwords for one sign-in


def test_a_password_for_one_sign_in_is_good_for_exactly_one(ada):
    user, password = users.create_user(actor=by(ada), name="sue", roles=["Support"])
    assert let_in("sue", password) == user
    why = refused("sue", password)
    assert str(why) == ("This password was good for one sign-in and has been used. Ask an Administrator for another "
                        "one (Reset Password).")
    assert told()[-1] == (STRANGER, HOME, "sue", "Was not let in: its password is not good any more.")
    _, password = users.reset_password(actor=by(ada), user_id=user.pk)
    assert let_in("sue", password) == user


def test_a_password_for_one_sign_in_ends_after_a_day(ada):
    user, password = users.create_user(actor=by(ada), name="sue", roles=["Support"])
    until = Account.objects.get(user=user).good_until
    assert timedelta(0) <= timezone.now() + GOOD_FOR - until < timedelta(minutes=1)
    assert get_person(user.pk).password_until == until
    Account.objects.update(good_until=timezone.now())
    assert "was not used within 24 hours. Ask an Administrator" in str(refused("sue", password))
    person = get_person(user.pk)
    assert (person.password_until, person.must_change_password) == (None, True)


def test_who_tries_an_ended_password_again_and_again_is_locked(ada):
    _, password = users.create_user(actor=by(ada), name="sue", roles=["Support"])
    Account.objects.update(good_until=timezone.now())
    for _ in range(LIMITS[HERE]):
        lock = refused("sue", password).lock
    assert lock.kind == HERE


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_uses_a_password_for_one_sign_in(ada):
    _, password = users.create_user(actor=by(ada), name="sue", roles=["Support"])
    results, start = [], threading.Barrier(4)

    def attempt(number):
        try:
            start.wait(20)
            results.append(let_in("sue", password, origin=f"192.0.2.{number}").username)
        except SignInRefused as why:
            results.append(str(why)[:40])
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == ["This password was good for one sign-in a"] * 3 + ["sue"]


@pytest.mark.parametrize("change", [
    lambda user: users.reset_password(actor=factories.ADMINISTRATOR, user_id=user.pk),
    lambda user: users.set_enabled(actor=factories.ADMINISTRATOR, user_id=user.pk, enabled=False),
])
def test_who_is_changed_while_the_password_is_looked_at_is_not_let_in(otto, monkeypatch, change):
    """Looking at it takes long on purpose."""
    def slowly(**credentials):
        found = authenticate(**credentials)
        change(otto)
        return found

    monkeypatch.setattr(service, "authenticate", slowly)
    assert "was changed just now" in str(refused(password=PASSWORD))
    assert not Account.objects.exclude(used_at=None).exists()


def test_a_password_that_was_chosen_is_good_for_many(ada):
    user, password = users.create_user(actor=by(ada), name="sue", roles=["Support"])
    let_in("sue", password)
    users.change_own_password(actor=by(user), password=PASSWORD, session_key="")
    assert let_in("sue") == let_in("sue") == user


# --- sessions


def session_of(user):
    client = Client()
    client.force_login(user)
    return client.session.session_key


@pytest.mark.parametrize(("change", "why"), [
    (lambda ada, otto: users.set_enabled(actor=by(ada), user_id=otto.pk, enabled=False), "the user was disabled."),
    (lambda ada, otto: users.set_roles(actor=by(ada), user_id=otto.pk, roles=["Support"]), "a role was taken away."),
    (lambda ada, otto: users.reset_password(actor=by(ada), user_id=otto.pk), "the password was reset."),
    (lambda ada, otto: users.change_own_password(actor=by(otto), password=PASSWORD, session_key=""),
     "the password was changed."),
])
def test_who_may_do_less_loses_all_sessions_at_once_and_history_says_so(ada, otto, change, why):
    stays, *_ = session_of(ada), session_of(otto), session_of(otto)
    change(ada, otto)
    assert [row.session_key for row in Session.objects.all()] == [stays]
    assert told()[-1][2:] == ("otto", f"2 sessions were ended: {why}")


def test_who_is_enabled_again_has_to_sign_in_again(ada, otto):
    key = session_of(otto)
    users.set_enabled(actor=by(ada), user_id=otto.pk, enabled=False)
    users.set_enabled(actor=by(ada), user_id=otto.pk, enabled=True)
    assert not Session.objects.filter(session_key=key).exists()


@pytest.mark.parametrize("roles", [["Operator", "Support"], ["Administrator"], ["Operator"]])
def test_who_may_do_more_or_the_same_stays_signed_in(ada, otto, roles):
    key = session_of(otto)
    users.set_roles(actor=by(ada), user_id=otto.pk, roles=roles)
    assert Session.objects.filter(session_key=key).exists()


def test_the_session_that_changes_the_password_stays(otto):
    own, other = session_of(otto), session_of(otto)
    users.change_own_password(actor=by(otto), password=PASSWORD, session_key=own)
    assert [row.session_key for row in Session.objects.all()] == [own]
    assert told()[-1][3] == "A session was ended: the password was changed."
    assert other != own
