"""When an API token is good, from where, and what somebody may make."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioning.accounts.rules import tokens as rules
from provisioning.accounts.rules.tokens import LONGEST_DAYS, MOST, ORIGIN_MAX, SOON, TRIES, TRIES_WITHIN, Draft, Facts
from provisioning.states import TokenScope, TokenState

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def facts(**fields):
    return Facts(**{"name": "nightly", "enabled": True, "expires_at": NOW + SECOND, "networks": "", "owner": "otto",
                    "owner_is_enabled": True, **fields})


@pytest.mark.parametrize(("text", "found"), [
    (f"pw_{'a' * 8}_{'B' * 40}", ("a" * 8, "B" * 40)), (f" pw_{'a' * 8}_{'B' * 40}\n", ("a" * 8, "B" * 40)),
    (f"pw_{'a' * 7}_{'B' * 40}", None), (f"pw_{'a' * 8}_{'B' * 41}", None), (f"pw_{'a' * 8}_{'é' * 40}", None),
    ("", None), ("Bearer", None)])
def test_a_token_is_told_from_other_texts(text, found):
    assert rules.parts(text) == found


@pytest.mark.parametrize(("fields", "words"), [
    ({}, ""), ({"expires_at": None}, ""), ({"expires_at": NOW}, "expired at 2026-11-30 12:00 UTC"),
    ({"enabled": False}, "The token nightly is disabled."), ({"owner_is_enabled": False}, "owner otto is disabled")])
def test_it_is_good_while_it_and_its_owner_are_enabled_and_it_has_not_expired(fields, words):
    why = rules.why_not_good(facts(**fields), NOW)
    assert words in why
    assert bool(why) == bool(words)


@pytest.mark.parametrize(("networks", "address", "is_good"), [
    ("", "203.0.113.9", True), ("", "", True), ("10.0.0.0/8, 192.0.2.7", "10.9.9.9", True),
    ("10.0.0.0/8, 192.0.2.7", "192.0.2.7", True), ("10.0.0.0/8, 192.0.2.7", "192.0.2.8", False),
    ("10.0.0.0/8", "::ffff:10.0.0.1", True), ("2001:db8::/32", "2001:db8::1", True), ("10.0.0.0/8", "::1", False),
    ("10.0.0.0/8", "unix", False), ("10.0.0.0/8", "", False)])
def test_it_is_good_from_its_networks(networks, address, is_good):
    assert (rules.why_not_from(facts(networks=networks), address) == "") == is_good


@pytest.mark.parametrize("name", ["ci", "n" * 64])
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8:1111:2222:3333:4444:5555:6666", ""])
def test_an_origin_fits_and_has_the_address_whole(name, address):
    found = rules.origin(name, address)
    assert len(found) <= ORIGIN_MAX
    assert found.startswith("token ")
    assert found.endswith(f" from {address}")
    assert (name in found) == (len(name) <= 11 or "…" not in found)


def test_ten_refusals_in_a_row_lock_for_a_minute_and_those_of_before_do_not_count():
    assert rules.locked_until(TRIES - 1, NOW, NOW) is None
    assert rules.locked_until(TRIES, NOW, NOW) == NOW + TRIES_WITHIN
    assert rules.locked_until(TRIES, NOW, NOW + TRIES_WITHIN) is None
    assert rules.counted(TRIES - 1, NOW - TRIES_WITHIN + SECOND, NOW) == TRIES
    assert rules.counted(TRIES - 1, NOW - TRIES_WITHIN, NOW) == 1


@pytest.mark.parametrize(("enabled", "expires_at", "state"), [
    (True, None, TokenState.GOOD), (True, NOW + SOON + SECOND, TokenState.GOOD), (True, NOW + SOON, TokenState.SOON),
    (True, NOW, TokenState.EXPIRED), (False, None, TokenState.DISABLED), (False, NOW, TokenState.DISABLED)])
def test_its_state_says_what_to_do_about_it(enabled, expires_at, state):
    assert rules.state(enabled=enabled, expires_at=expires_at, now=NOW) == state


def refused(draft, *, taken=(), may_have=("Operator",), maker="you", is_administrator=False):
    found = rules.refusals(draft, taken=taken, may_have=may_have, maker=maker, maker_is_administrator=is_administrator)
    return [(each.field, each.message) for each in found]


def draft(**fields):
    return Draft(**{"name": "nightly", "roles": ["Operator"], **fields})


def test_roles_of_the_owner_can_be_given_and_no_others():
    assert refused(draft()) == []
    assert refused(draft(roles=["Operator", "Administrator"])) == [
        ("roles", "You do not have the role Administrator, so the token cannot have it.")]
    assert refused(draft(roles=["Support"]), maker="robot") == [
        ("roles", "robot does not have the role Support, so the token cannot have it.")]
    assert refused(draft(roles=["King"])) == [
        ("roles", '"King" is no role. Roles are Administrator, Operator, Support.')]
    assert refused(draft(roles=[])) == [("roles", "Choose at least one role.")]
    assert refused(draft(roles=[], scope=TokenScope.METRICS)) == []


@pytest.mark.parametrize(("fields", "field"), [
    ({"name": ""}, "name"), ({"name": " nightly"}, "name"), ({"name": "n" * 65}, "name"), ({"name": "a\nb"}, "name"),
    ({"name": "taken"}, "name"), ({"days": 0}, "days"), ({"days": -1}, "days"), ({"days": LONGEST_DAYS + 1}, "days"),
    ({"days": None}, "days"), ({"networks": "nonsense"}, "networks"), ({"networks": "10.0.0.0/8 " * 60}, "networks"),
    ({"description": "d" * 256}, "description")])
def test_what_is_wrong_is_said_of_its_field(fields, field):
    assert {each for each, _ in refused(draft(**fields), taken={"taken"})} == {field}


def test_only_administrators_make_some_that_do_not_expire_and_nobody_makes_any_number():
    assert refused(draft(days=None), is_administrator=True) == []
    assert refused(draft(days=LONGEST_DAYS)) == []
    assert f"There are {MOST} tokens already" in refused(draft(), taken=set(map(str, range(MOST))))[0][1]
