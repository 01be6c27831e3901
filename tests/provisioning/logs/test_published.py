"""What the console itself tells the centralized log: events, and History as category audit."""

from datetime import UTC, datetime

import pytest

from protocol.log_records import TEXT_BYTES, read
from provisioning.alarms.rules.conditions import ConditionDraft
from provisioning.alarms.services.conditions import create_condition
from provisioning.history import history
from provisioning.logbook.models import Published
from provisioning.logs.rules.published import of_entry, of_event
from provisioning.logs.worker.unsent import KINDS, Settled, sent
from provisioning.models import Connection, Console, Event, HistoryEntry
from tests import factories

AT = datetime(2026, 11, 30, 1, 2, 3, 456_000, tzinfo=UTC)


def event(text="It ended.", **fields):
    return Event.objects.create(at=AT, text=text, **fields)


def as_read(record):
    return read(record.destination(), record.headers(), record.text.encode())


@pytest.mark.django_db
def test_an_event_is_a_record_with_the_fields_number_of_its_application():
    row, host = factories.make_application("MS_Primary"), factories.make_host("alpha")
    record = of_event(event(number=5064, level="alarm", application=row, host=host, source="agent"))
    assert as_read(record) == record
    assert (record.number, record.level, record.application, record.type, record.host, record.category) == (
        "00-05064", "alarm", "MS_Primary", "Message Server", "alpha", "application")
    assert record.at_ms == AT.timestamp() * 1000


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["Ä" * TEXT_BYTES, "", "two\nlines"])
def test_whatever_an_event_says_is_a_record_that_a_server_takes(text):
    record = of_event(event(text))
    assert as_read(record) == record
    assert text.startswith(record.text)


@pytest.mark.django_db
def test_history_is_a_record_of_the_category_audit_without_what_was_changed(admin_actor):
    row = factories.make_application("MS_Primary")
    history.record_verb(actor=admin_actor, row=row, reason="Work on the switch")
    entry = HistoryEntry.objects.latest("number")
    record = of_entry(entry)
    assert as_read(record) == record
    assert (record.number, record.category) == ("42-20120", "audit")
    assert {record.attributes["user"], record.attributes["digest"]} == {admin_actor.name, entry.digest}
    assert "Work on the switch" in record.text


@pytest.mark.django_db
def test_history_names_the_kind_of_object_as_pages_do(admin_actor):
    create_condition(actor=admin_actor, draft=ConditionDraft(name="Line lost", detect_event="4504"))
    assert ": created alarm condition Line lost." in of_entry(HistoryEntry.objects.latest("number")).text


@pytest.mark.parametrize(("action", "kind", "name", "reason", "text"), [
    ("operated", "console", "Pairwise", "Log to: none → MS.", "ada, console Pairwise: Log to: none → MS."),
    ("sign_in", "user", "ada", "Signed in.", "ada: Signed in."),
    ("operated", "user", "ada", "Changed their own password.", "ada: Changed their own password."),
    ("operated", "user", "ben", "Unlocked after failed sign-ins.", "ada, user ben: Unlocked after failed sign-ins."),
    ("operated", "application", "MS", "", "ada: operated application MS."),
    ("changed", "application", "MS", "It was slow.", "ada: changed application MS. It was slow.")])
def test_history_says_in_words_what_was_done(action, kind, name, reason, text):
    entry = HistoryEntry(at=AT, user_name="ada", action=action, object_type=kind, object_name=name, reason=reason)
    assert of_entry(entry).text == text


@pytest.mark.django_db
def test_what_happens_is_published_once_in_order_and_what_was_before_is_not():
    event("before")
    settled = Settled()
    assert settled.unsent() == []
    first, second = event("first"), event("second")
    # Not yet: a transaction that began before may still end.
    assert settled.unsent() == []
    [unsent] = settled.unsent()
    assert (unsent.kind, [number for number, *_ in unsent.records]) == ("event", [first.pk, second.pk])
    assert settled.unsent() == [unsent], "what was not acknowledged waits"
    sent("event", second.pk)
    assert settled.unsent() == []


@pytest.mark.django_db
@pytest.mark.parametrize("number", [0, 99_999, 100_000, 999_999])
def test_whatever_number_a_server_gives_an_event_it_keeps_no_other_waiting(number):
    """A record that a server refuses would be sent for ever, and nothing after it."""
    record = of_event(event(number=number))
    assert as_read(record) == record


@pytest.mark.django_db
def test_what_a_server_published_to_a_pair_of_its_own_does_not_come_once_it_has_none():
    row, default, own = (factories.make_application(name) for name in ("MS", "Log", "Own"))
    Console.this()
    Console.objects.update(log_to=default)
    Settled().unsent()
    connection = Connection.objects.create(application=row, server=own)
    settled = Settled()
    event("to its own pair", application=row, once="0" * 32)
    settled.unsent()
    assert settled.unsent() == []
    connection.delete()
    assert settled.unsent() == settled.unsent() == []
    after = event("to the chosen pair", application=row, once="1" * 32)
    settled.unsent()
    [unsent] = settled.unsent()
    assert [number for number, *_ in unsent.records] == [after.pk]
    sent("event", after.pk)
    Connection.objects.create(application=row, server=own)
    assert settled.unsent() == settled.unsent() == []
    assert Published.objects.get(kind="event").number == after.pk


@pytest.mark.django_db
def test_after_a_restart_it_goes_on_where_it_was():
    Settled().unsent()
    row = event("while it was away")
    settled = Settled()
    settled.unsent()
    assert [number for number, *_ in settled.unsent()[0].records] == [row.pk]
    sent("event", 0)
    assert Published.objects.get(kind="event").number < row.pk
    assert set(KINDS) == {each.kind for each in Published.objects.all()}


@pytest.mark.django_db
def test_what_happens_while_no_pair_is_chosen_is_not_published_and_the_choice_is():
    settled = Settled()
    settled.pass_by()
    event("while none was chosen")
    settled.pass_by()
    row = event("the choice")
    assert settled.unsent() == []
    assert [number for number, *_ in settled.unsent()[0].records] == [row.pk]


@pytest.mark.django_db
def test_after_an_older_database_was_put_back_what_happens_is_published_though_its_numbers_were_used():
    settled = Settled()
    settled.pass_by()
    before = event("before").pk
    Published.objects.filter(kind="event").update(number=before + 1000)
    settled = Settled()
    settled.unsent()
    row = event("after")
    settled.unsent()
    assert [number for number, *_ in settled.unsent()[0].records] == [row.pk]
