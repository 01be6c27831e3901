"""When sign-ins are locked, for whom, for how long; and what is kept of names that are no users."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioning.accounts.rules.sign_in import (
    FAMILIAR_FOR,
    HERE,
    LIMITS,
    LOCKED_FOR,
    NAME,
    PLACE,
    WORDS,
    Tried,
    here_locks,
    lock_of,
    minutes_left,
    name_key,
    shown,
    why_not_good,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


def tried(name="otto", place="192.0.2.1", failures=0, *, ago=timedelta(0), signed_in=None) -> Tried:
    return Tried(name_key=name, place=place, failures=failures, tried_at=NOW - ago,
                 signed_in_at=None if signed_in is None else NOW - signed_in)


def locked(rows, name="otto", place="192.0.2.1", now=NOW):
    return lock_of(rows, name_key=name, place=place, now=now)


def kind(*arguments, **options):
    lock = locked(*arguments, **options)
    return lock and lock.kind


def test_five_failures_lock_the_name_there_and_nowhere_else():
    rows = [tried(failures=LIMITS[HERE])]
    assert kind(rows) == HERE
    assert kind(rows, place="192.0.2.2") is None
    assert kind(rows, name="ada") is None
    assert kind([tried(failures=LIMITS[HERE] - 1)]) is None


def test_a_lock_ends_so_long_after_the_last_failure_that_counted():
    row = tried(failures=LIMITS[HERE], ago=timedelta(minutes=4))
    assert locked([row]).until == NOW - timedelta(minutes=4) + LOCKED_FOR
    assert kind([row], now=row.tried_at + LOCKED_FOR - MOMENT) == HERE
    assert kind([row], now=row.tried_at + LOCKED_FOR) is None


def test_a_success_with_another_name_from_the_same_place_ends_no_lock():
    assert kind([tried(failures=LIMITS[HERE]), tried("mallory", signed_in=timedelta(0))]) == HERE


def test_many_names_from_one_place_lock_the_place_for_who_is_new_there():
    rows = [tried(f"name{number}", failures=1) for number in range(LIMITS[PLACE])]
    assert kind(rows) == PLACE
    assert kind(rows[1:]) is None
    assert kind(rows, place="192.0.2.2") is None
    assert kind([*rows, tried(signed_in=FAMILIAR_FOR - MOMENT)]) is None
    assert kind([*rows, tried(signed_in=FAMILIAR_FOR)]) == PLACE


def test_what_users_of_a_place_mistype_there_locks_only_themselves():
    rows = [tried(f"name{number}", failures=4, signed_in=timedelta(days=1)) for number in range(LIMITS[PLACE])]
    assert kind(rows) is None


MANY_PLACES = [tried(place=f"198.51.100.{number}", failures=4) for number in range(LIMITS[NAME] // 4)]


def test_many_places_together_guess_no_more_than_one_machine():
    assert kind(MANY_PLACES) == NAME
    assert kind(MANY_PLACES, place="198.51.100.0") == NAME
    assert kind(MANY_PLACES[1:]) is None
    assert kind(MANY_PLACES, name="ada") is None


@pytest.mark.parametrize("place", ["192.0.2.1", "2001:db8:1:2::/64"])
def test_strangers_everywhere_do_not_keep_a_user_out_of_where_he_works(place):
    assert kind([*MANY_PLACES, tried(place=place, signed_in=timedelta(days=2))], place=place) is None


@pytest.mark.parametrize("place", ["127.0.0.1", "127.3.2.1", "::1"])
def test_strangers_everywhere_do_not_keep_a_user_out_of_the_machine_of_the_console(place):
    assert kind(MANY_PLACES, place=place) is None
    assert kind([*MANY_PLACES, tried(place=place, failures=LIMITS[HERE])], place=place) == HERE


def test_failures_at_a_familiar_place_do_not_count_against_others():
    rows = [*MANY_PLACES[1:], tried(place="192.0.2.9", failures=4, signed_in=timedelta(days=1))]
    assert kind(rows) is None


def test_a_success_elsewhere_takes_back_no_failures_of_strangers():
    assert kind([*MANY_PLACES, tried(place="203.0.113.5", signed_in=timedelta(0))], place="203.0.113.6") == NAME


def test_a_lock_knows_what_led_to_it():
    lock = locked(MANY_PLACES)
    assert (lock.failures, lock.places, lock.words) == (LIMITS[NAME], len(MANY_PLACES), WORDS[NAME])


def test_who_is_locked_where():
    rows = [tried(failures=LIMITS[HERE]), tried("ada", failures=1)]
    assert [(row.name_key, lock.kind) for row, lock in here_locks(rows, now=NOW)] == [("otto", HERE)]


@pytest.mark.parametrize(("name", "kept"), [
    ("correct horse battery", "co… (no such user)"), ("short", "s… (no such user)"), ("abc", "… (no such user)"),
])
def test_next_to_nothing_is_kept_of_what_may_be_a_password(name, kept):
    assert shown(name, is_user=False) == kept
    assert shown(name, is_user=True) == name


def test_what_stands_for_a_name_depends_on_the_key_and_on_every_letter():
    assert name_key(b"one", "otto") != name_key(b"two", "otto") != name_key(b"two", "Otto")
    assert len(name_key(b"one", "otto")) == 64


@pytest.mark.parametrize(("left", "minutes"), [(MOMENT, 1), (60 * MOMENT, 1), (61 * MOMENT, 2), (-MOMENT, 1)])
def test_the_minutes_that_are_left_are_never_none(left, minutes):
    assert minutes_left(NOW + left, NOW) == minutes


@pytest.mark.parametrize(("good_until", "used_at", "word"), [
    (NOW + MOMENT, None, ""), (NOW, None, "within 24 hours"), (None, None, "within 24 hours"),
    (NOW + MOMENT, NOW, "has been used"), (NOW - MOMENT, NOW, "has been used"),
])
def test_whether_a_password_for_one_sign_in_is_good_for_it(good_until, used_at, word):
    why = why_not_good(good_until=good_until, used_at=used_at, now=NOW)
    assert word in why
    assert bool(why) == bool(word) == ("Ask an Administrator" in why)
