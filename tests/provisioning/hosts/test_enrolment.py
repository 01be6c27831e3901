"""Tokens with which machines join: one use, one hour, one host."""

from datetime import timedelta

import pytest
from django.utils import timezone

from provisioning.errors import NotAllowed, Refused
from provisioning.hosts.services.attempts import Attempts, TooMany
from provisioning.hosts.services.enrolment import make_token, note_stage, revoke_tokens, spend
from provisioning.models import Event, HistoryEntry, HostEnrolment
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker", "no_control")]
FROM = "192.0.2.44"


@pytest.fixture
def host():
    return factories.make_host("edge1", status=None)


@pytest.fixture
def row(host):
    return make_token(actor=factories.ADMINISTRATOR, host_id=host.pk)


def joined(row, **fields):
    return spend(**{"token": row.token, "origin": FROM, "proven": None, "machine": "Python 3.11.2.", **fields})


def test_the_database_has_only_the_hash_of_a_token(row):
    stored = HostEnrolment.objects.filter(pk=row.pk).values().get()
    assert row.token not in str(stored)
    assert len(row.token) >= 43
    assert HostEnrolment.objects.get(pk=row.pk).token == row.token


def test_two_tokens_are_different(host, row):
    assert make_token(actor=factories.ADMINISTRATOR, host_id=host.pk).token != row.token


def test_a_token_gives_a_new_secret_once(host, row):
    before = host.secret
    assert joined(row).secret != before
    with pytest.raises(Refused, match=f"used already, at .* UTC from {FROM}. Make a new line"):
        joined(row)


def test_who_proves_the_secret_keeps_it(host, row):
    before = host.secret
    assert joined(row, proven=host).secret == before


def test_the_secret_of_another_host_proves_nothing(host, row):
    before = host.secret
    assert joined(row, proven=factories.make_host("edge2")).secret != before


@pytest.mark.parametrize(("change", "sentence"), [
    ({"expires_at": timezone.now() - timedelta(seconds=1)}, "The token expired"),
    ({"revoked_at": timezone.now()}, "The token was revoked"),
    ({"used_at": timezone.now(), "used_from": FROM}, "used already"),
])
def test_a_token_that_is_good_no_more_is_refused_and_recorded(host, row, change, sentence):
    HostEnrolment.objects.filter(pk=row.pk).update(**change)
    before = host.secret
    with pytest.raises(Refused, match=sentence):
        joined(row)
    host.refresh_from_db()
    assert host.secret == before
    event = Event.objects.get()
    assert (event.host, event.level) == (host, "alarm")
    assert sentence in event.text
    assert FROM in event.text
    assert row.token not in event.text


def test_a_wrong_token_is_refused_and_recorded(row):
    with pytest.raises(Refused, match="The token is wrong"):
        joined(row, token="A" * 43)
    assert Event.objects.get().host is None


def test_a_disabled_host_is_not_joined(host, row):
    type(host).objects.filter(pk=host.pk).update(enabled=False)
    with pytest.raises(Refused, match="Host edge1 is disabled"):
        joined(row)


def test_a_new_token_ends_the_one_before(host, row):
    make_token(actor=factories.ADMINISTRATOR, host_id=host.pk)
    with pytest.raises(Refused, match="revoked"):
        joined(row)


def test_a_token_can_be_revoked(host, row):
    assert revoke_tokens(actor=factories.ADMINISTRATOR, host_id=host.pk) == 1
    with pytest.raises(Refused, match="revoked"):
        joined(row)


def test_strangers_fill_no_timeline_with_wrong_tokens_from_many_addresses(row):
    for number in range(100):
        with pytest.raises(Refused):
            joined(row, token="wrong", origin=f"198.51.100.{number}")
    assert Event.objects.get().source == "stranger"


def test_guessing_ends_after_a_few_tokens_and_records_no_more(row):
    for _ in range(Attempts.LIMIT):
        with pytest.raises(Refused):
            joined(row, token="wrong")
    with pytest.raises(TooMany, match="Wait a minute"):
        joined(row, token="wrong")
    assert Event.objects.count() == 1
    assert joined(row).name == "edge1"  # who has the right one is not kept out by others


def test_another_address_and_a_later_minute_start_anew():
    attempts = Attempts()
    for number in range(Attempts.LIMIT):
        attempts.refuse("a", now=number)
    with pytest.raises(TooMany):
        attempts.refuse("a", now=Attempts.LIMIT)
    attempts.refuse("b", now=Attempts.LIMIT)
    attempts.refuse("a", now=Attempts.WITHIN_S + Attempts.LIMIT)


def test_the_addresses_of_one_network_guess_as_one():
    attempts = Attempts()
    for number in range(Attempts.LIMIT):
        attempts.refuse(f"2001:db8::{number}", now=0.0)
    with pytest.raises(TooMany):
        attempts.refuse("2001:db8::ffff", now=1.0)


@pytest.mark.parametrize("actor", [factories.OPERATOR, factories.SUPPORT])
def test_only_who_manages_hosts_makes_and_revokes_tokens(host, actor):
    for verb in (make_token, revoke_tokens):
        with pytest.raises(NotAllowed):
            verb(actor=actor, host_id=host.pk)


def test_history_says_who_made_a_token_and_never_which(host, row):
    entry = HistoryEntry.objects.get(object_id=str(host.pk))
    assert "Made a token for edge1" in entry.reason
    assert row.token not in str(entry.__dict__)


def test_the_machine_of_the_console_needs_no_token():
    host = factories.make_host("localhost", ip_address="127.0.0.1")
    with pytest.raises(Refused, match="the machine of the console itself"):
        make_token(actor=factories.ADMINISTRATOR, host_id=host.pk)


def test_stages_are_kept_in_the_order_of_their_first_word(row):
    for name, state in (("machine", "running"), ("fetch", "running"), ("machine", "done"), ("fetch", "failed")):
        note_stage(enrolment=row, name=name, state=state, text="said")
    row.refresh_from_db()
    assert [(each["name"], each["state"]) for each in row.stages] == [("machine", "done"), ("fetch", "failed")]


@pytest.mark.parametrize(("name", "state"), [("connect", "done"), ("fetch", "great"), ("", "")])
def test_a_stage_that_does_not_exist_is_refused(row, name, state):
    with pytest.raises(Refused, match="no stage of joining"):
        note_stage(enrolment=row, name=name, state=state, text="")
