"""Sign-ins that are tried during a lock: what History tells of them; and how the lock of an address is ended."""

import re

import pytest
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from provisioning.accounts.rules.sign_in import HERE, LIMITS, NAME, PLACE
from provisioning.accounts.selectors.sign_ins import locked_places
from provisioning.accounts.services import locked_tries, users
from provisioning.accounts.services import sign_in as service
from provisioning.accounts.services.locked_tries import LockedTries
from provisioning.accounts.services.sign_in_story import MOST, STRANGER, TOLD_EVERY
from provisioning.errors import NotAllowed, Refused
from provisioning.models import SignInTry
from tests.provisioning.sign_ins import HOME, PASSWORD, by, let_in, refused, told

FIRST = "Was not looked at: it is locked until "


class Minutes:
    now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_(self) -> None:
        self.now += TOLD_EVERY.total_seconds()


@pytest.fixture
def minutes():
    return Minutes()


@pytest.fixture(autouse=True)
def tries(monkeypatch, minutes):
    monkeypatch.setattr(service, "TRIES", LockedTries(clock=minutes))
    return service.TRIES


def lock_address(address=HOME):
    for number in range(LIMITS[PLACE]):
        lock = refused(f"somebody{number}", origin=address).lock
    assert lock.kind == PLACE


def test_the_first_try_during_a_lock_is_told_at_once_and_the_others_are_counted_once_a_minute(otto, tries, minutes):
    for _ in range(LIMITS[HERE]):
        refused()
    before = len(told())
    for _ in range(500):
        refused()
    tries.tell()
    [first] = told()[before:]
    assert first[:3] == (STRANGER, HOME, "otto")
    assert first[3].startswith(FIRST)
    for _ in range(3):
        minutes.pass_()
        tries.tell()
    assert told()[before + 1:] == [(STRANGER, HOME, "otto", "Was not looked at while it was locked, 499 times more.")]
    refused()
    assert told()[-1][3].startswith(FIRST)


def test_of_a_name_that_is_no_user_next_to_nothing_is_kept_during_a_lock_either(db, tries, minutes):
    lock_address()
    for _ in range(2):
        refused("planted-secret of somebody")
    minutes.pass_()
    tries.tell()
    assert [entry[2] for entry in told()[-2:]] == ["pl… (no such user)", "names that are no users"]
    assert "planted" not in repr([told(), tries._counted])


def test_a_flood_during_a_lock_costs_no_row_each_and_fills_neither_history_nor_memory(ada, tries, minutes, monkeypatch):
    monkeypatch.setattr(locked_tries, "KEPT", 50)
    for number in range(LIMITS[NAME]):
        refused("ada", origin=f"198.51.100.{number}")
    rows, before = SignInTry.objects.count(), len(told())
    for number in range(200):
        assert refused("ada", origin=f"10.0.0.{number}").lock.kind == NAME
    assert SignInTry.objects.count() == rows
    assert len(told()) <= MOST + 1
    assert len(tries._counted) <= 51
    at_once = len(told()) - before
    monkeypatch.setattr(locked_tries, "told_since", lambda when: 0)
    minutes.pass_()
    tries.tell()
    counted = [int(re.search(r"(\d+) times? more", entry[3])[1]) for entry in told()[before + at_once:]]
    assert len(counted) <= MOST + 1
    assert at_once + sum(counted) == 200


@pytest.mark.parametrize("error", [InterfaceError("the connection is closed"), DatabaseError("it is away"),
                                   ValueError("it was encrypted with another key")])
def test_what_cannot_be_told_ends_nothing_and_is_told_later(otto, tries, minutes, monkeypatch, error):
    for _ in range(LIMITS[HERE] + 100):
        refused()
    before, tell_more = len(told()), locked_tries._tell_more

    def fails(*_):
        raise error

    monkeypatch.setattr(locked_tries, "TRIES", tries)
    monkeypatch.setattr(locked_tries, "_tell_more", fails)
    monkeypatch.setattr(locked_tries.connection, "close", lambda: None)
    minutes.pass_()
    locked_tries.tell_what_is_due()
    refused()
    monkeypatch.setattr(locked_tries, "_tell_more", tell_more)
    minutes.pass_()
    locked_tries.tell_what_is_due()
    assert [entry[3] for entry in told()[before:]] == ["Was not looked at while it was locked, 100 times more."]


def test_an_address_is_unlocked_by_who_may_and_history_says_so(ada, otto):
    lock_address()
    assert [(place, lock.kind) for place, lock in locked_places(timezone.now())] == [(HOME, PLACE)]
    with pytest.raises(NotAllowed):
        users.unlock_address(actor=by(otto), address=HOME)
    assert users.unlock_address(actor=by(ada), address=HOME) == HOME
    assert locked_places(timezone.now()) == []
    assert service.check_password(name="otto", password=PASSWORD, origin=HOME) == otto
    assert ("ada", "192.0.2.7", HOME, f"Unlocked the address {HOME} after failed sign-ins.") in told()
    with pytest.raises(Refused, match="is not locked"):
        users.unlock_address(actor=by(ada), address=HOME)


@pytest.mark.parametrize("typed", ["2001:db8::/64", "2001:db8::7"])
def test_a_network_is_unlocked_as_it_is_shown_and_by_an_address_of_it(ada, typed):
    lock_address("2001:db8::1")
    assert users.unlock_address(actor=by(ada), address=typed) == "2001:db8::/64"


def test_who_has_signed_in_at_an_address_does_not_count_for_its_lock(otto):
    let_in()
    for number in range(LIMITS[PLACE] - 1):
        refused(f"somebody{number}")
    refused("otto")
    assert locked_places(timezone.now()) == []
