"""The chain of history entries: nobody changes or removes one, and what was done behind the console's back shows."""

import json
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from provisioning import chain
from provisioning.applications.services import applications as services
from provisioning.core.permissions import Actor
from provisioning.drafts import HostDraft
from provisioning.errors import Refused
from provisioning.history import history
from provisioning.history.verify import Mark, verify
from provisioning.hosts.services import hosts
from provisioning.models import HistoryEntry, HistoryHead, guard
from provisioning.models.history import EntryIsKept
from tests import commands, factories
from tests.former_database import models_of

pytestmark = pytest.mark.django_db
TABLE, HEAD = "provisioning_historyentry", "provisioning_historyhead"


@pytest.fixture
def entries():
    """Six entries about one host."""
    host = factories.make_host("edge1")
    for number in range(6):
        history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason=f"Did {number}.")
    return list(HistoryEntry.objects.order_by("number"))


def execute(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def unguarded(entries):
    """As somebody with the database in hand would begin; what they do stays in this test's transaction."""
    guard.remove(connection)
    yield
    guard.install(connection)


def fault():
    verdict = verify()
    return verdict.entry, " ".join(sentence for sentence in verdict.faults if "triggers" not in sentence)


# --- the chain


def test_a_new_console_has_an_empty_chain():
    assert verify().is_whole
    assert str(verify().mark) == f"0:{'0' * 64}"


def test_entries_are_numbered_and_each_holds_the_digest_of_the_one_before(entries):
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.previous for entry in entries] == [chain.BEGINNING, *(entry.digest for entry in entries[:-1])]
    assert verify().mark == Mark(6, entries[-1].digest)


def test_what_services_record_is_part_of_the_chain():
    row = services.create_application(actor=factories.ADMINISTRATOR, draft=factories.make_draft(
        name="Ä MS", ports=(factories.port(),), options={"clients": {"bench": "secret"}}))
    services.delete_applications(actor=factories.ADMINISTRATOR, application_ids=[row.pk])
    verdict = verify()
    assert (verdict.is_whole, verdict.mark.count) == (True, 2)


def test_entries_of_one_transaction_join_the_chain_together_in_their_order(django_assert_num_queries):
    host = factories.make_host()
    history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason="First.")
    with django_assert_num_queries(5), history.atomic():  # savepoint, head, entries, head, release
        for number in range(50):
            history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason=f"{number}")
    assert list(HistoryEntry.objects.order_by("number").values_list("reason", flat=True)) == [
        "First.", *map(str, range(50))]
    assert verify().is_whole


@history.atomic()
def record_and_fail(host, reason):
    history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason=reason)
    raise Refused("No.")


def test_what_is_rolled_back_leaves_no_entry():
    host = factories.make_host()
    with history.atomic():
        history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason="kept")
        with pytest.raises(Refused):
            record_and_fail(host, "taken back")
    with history.atomic():
        history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason="only planned")
        transaction.set_rollback(True)
    with pytest.raises(Refused):
        record_and_fail(host, "failed")
    assert list(HistoryEntry.objects.values_list("reason", flat=True)) == ["kept"]
    assert verify().is_whole


# --- nobody changes or removes an entry


def test_the_model_refuses_to_change_or_remove_an_entry(entries):
    entry = entries[2]
    entry.reason = "Nothing."
    for attempt in (entry.save, entry.delete, HistoryEntry.objects.all().delete,
                    lambda: HistoryEntry.objects.update(reason=""),
                    lambda: HistoryEntry.objects.bulk_update([entry], ["reason"]),
                    lambda: HistoryEntry.objects.update_or_create(pk=entry.pk, defaults={"reason": ""})):
        with pytest.raises(EntryIsKept, match="only ever added"):
            attempt()
    assert verify().mark.count == 6


@pytest.mark.parametrize("statement", [
    f"UPDATE {TABLE} SET reason = '' WHERE number = 3", f"DELETE FROM {TABLE} WHERE number = 6",
    f"DELETE FROM {TABLE}"])
def test_the_database_refuses_it_too(entries, statement):
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        execute(statement)
    assert verify().is_whole


def test_the_guard_is_there_after_all_migrations():
    assert guard.is_installed(connection)


def test_a_missing_guard_is_told_and_migrate_puts_it_back(entries, unguarded):
    [sentence] = verify().faults
    assert "triggers" in sentence
    guard.install(connection)
    assert verify().is_whole


def test_a_user_can_go_and_their_entries_stay(entries):
    user = User.objects.create_user("eve")
    actor = Actor(name="eve", user_id=user.pk)
    history.record_verb(actor=actor, row=factories.make_host(), reason="Was here.")
    key = user.pk
    user.delete()
    entry = HistoryEntry.objects.first()
    assert (entry.user_id, entry.user_name) == (key, "eve")
    assert verify().is_whole


@pytest.mark.django_db(transaction=True)
def test_flush_empties_everything_and_history_begins_anew():
    host = factories.make_host()
    history.record_verb(actor=factories.ADMINISTRATOR, row=host, reason="Before.")
    before = verify().mark
    call_command("flush", interactive=False, verbosity=0)
    assert (HistoryEntry.objects.count(), guard.is_installed(connection)) == (0, True)
    history.record_verb(actor=factories.ADMINISTRATOR, row=factories.make_host(), reason="After.")
    assert verify().is_whole
    assert not verify(before).is_whole


# --- what was done behind the console's back


def test_an_entry_that_was_changed_is_named(unguarded):
    execute(f"UPDATE {TABLE} SET reason = 'Nothing.' WHERE number = 3")
    number, sentence = fault()
    assert number == 3
    assert sentence.startswith("Entry 3 (operated host edge1, ")
    assert "was changed or added" in sentence


@pytest.mark.parametrize("change", [
    "user_name = 'eve'", "user_id = 7", "origin = ''", "at = '2020-01-01 00:00:00+00:00'", "object_name = 'edge2'",
    "object_id = '99'", "object_type = 'package'", "request_id = ''", "action = 'deleted'", "previous = digest",
    "digest = previous", "before = '{\"name\": \"x\"}'", "after = '{\"name\": \"x\"}'"])
def test_every_field_is_covered(unguarded, change):
    execute(f"UPDATE {TABLE} SET {change} WHERE number = 4")
    assert fault()[0] == 4


def test_an_entry_that_was_taken_out_is_missing(unguarded):
    execute(f"DELETE FROM {TABLE} WHERE number = 3")
    assert fault()[0] == 3
    assert fault()[1].startswith("Entry 3 is missing: Entry 4 (")


def test_the_first_entries_taken_out_are_missing(unguarded):
    execute(f"DELETE FROM {TABLE} WHERE number < 3")
    assert fault()[1].startswith("Entries 1 to 2 are missing")


def test_closing_the_gap_by_new_numbers_shows(unguarded):
    execute(f"DELETE FROM {TABLE} WHERE number = 3")
    for number in (4, 5, 6):
        execute(f"UPDATE {TABLE} SET number = {number - 1} WHERE number = {number}")
    assert fault()[0] == 3


def test_entries_cut_off_at_the_end_are_missing(unguarded):
    execute(f"DELETE FROM {TABLE} WHERE number > 4")
    assert fault() == (5, "Entries 5 to 6 are missing: the chain ends before them.")


def test_entries_cut_off_stay_missing_when_work_goes_on(unguarded, entries):
    execute(f"DELETE FROM {TABLE} WHERE number > 4")
    history.record_verb(actor=factories.ADMINISTRATOR, row=factories.make_host(), reason="Goes on.")
    assert fault()[0] == 5


COPY = "user_name, origin, request_id, action, object_type, object_id, object_name, reason"


def insert(number, previous, digest):
    execute(f"INSERT INTO {TABLE} (number, at, previous, digest, {COPY}) "
            f"SELECT {number}, at, %s, %s, {COPY} FROM {TABLE} WHERE number = 2", previous, digest)


def test_an_entry_that_was_added_at_the_end_is_named(unguarded, entries):
    insert(7, entries[-1].digest, "f" * 64)
    assert fault()[0] == 7


def test_an_entry_put_in_between_shows(unguarded, entries):
    for number in (6, 5, 4):
        execute(f"UPDATE {TABLE} SET number = {number + 1} WHERE number = {number}")
    insert(4, entries[2].digest, "f" * 64)
    assert fault()[0] == 4


def test_an_entry_before_the_first_shows(unguarded):
    insert(0, chain.BEGINNING, "f" * 64)
    assert fault()[0] == 0


def test_a_head_that_somebody_else_wrote_does_not_hide_a_cut(unguarded, entries):
    """Whoever has no key cannot make the seal; an entry added afterwards leaves a gap for ever."""
    execute(f"DELETE FROM {TABLE} WHERE number > 4")
    execute(f"UPDATE {HEAD} SET count = 4, digest = %s", entries[3].digest)
    assert "not written by this console" in fault()[1]
    history.record_verb(actor=factories.ADMINISTRATOR, row=factories.make_host(), reason="Goes on.")
    assert fault()[1].startswith("Entry 5 is missing")


def test_a_head_that_was_taken_away_is_told_and_leaves_a_gap(unguarded):
    execute(f"DELETE FROM {HEAD}")
    assert "head of the chain is missing" in fault()[1]
    history.record_verb(actor=factories.ADMINISTRATOR, row=factories.make_host(), reason="Goes on.")
    assert fault()[1].startswith("Entry 7 is missing")


def test_another_key_makes_every_entry_look_forged_and_the_sentence_says_so(entries, settings):
    settings.SECRET_KEY = "another"
    assert fault()[0] == 1
    assert "PAIRWISE_SECRET_KEY" in fault()[1]


# --- what was kept elsewhere


def test_what_was_written_down_still_holds_after_more_entries(entries):
    mark = verify().mark
    history.record_verb(actor=factories.ADMINISTRATOR, row=factories.make_host(), reason="More.")
    assert verify(mark).is_whole


def test_an_old_copy_of_the_database_is_found_by_what_was_written_down(unguarded, entries):
    """Entries and head go back together: the chain is whole, and too short."""
    head = HistoryHead.objects.get()
    history.record_verb(actor=factories.ADMINISTRATOR, row=factories.make_host(), reason="Hidden.")
    mark = verify().mark
    execute(f"DELETE FROM {TABLE} WHERE number = 7")
    execute(f"UPDATE {HEAD} SET count = %s, digest = %s, seal = %s", head.count, head.digest, head.seal)
    guard.install(connection)
    assert verify().is_whole
    verdict = verify(mark)
    assert (verdict.entry, verdict.faults) == (7, ["Entry 7 is missing: 7 entries were expected and there are 6."])


def test_history_written_anew_by_whoever_has_the_key_is_found_by_what_was_written_down(entries):
    verdict = verify(Mark(4, "e" * 64))
    assert verdict.entry == 4
    assert "written anew" in verdict.faults[0]


# --- the command


def run(*arguments):
    return commands.run("verify_history", *arguments)


def test_the_command_prints_what_to_keep_elsewhere(entries):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.splitlines() == ["History is whole: 6 entries.", f"6:{entries[-1].digest}"]
    assert run("--expect", out.splitlines()[1])[0] == 0


def test_the_command_fails_with_the_first_entry_that_is_wrong(unguarded):
    execute(f"DELETE FROM {TABLE} WHERE number = 2")
    code, out, _ = run("--json")
    assert (code, json.loads(out)["entry"], json.loads(out)["whole"]) == (1, 2, False)
    assert run()[2].startswith("Entry 2 is missing")


def test_the_command_refuses_what_it_never_printed():
    assert run("--expect", "6:abc")[0] == 2


# --- many at a time


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_moment_make_one_chain():
    rows = [factories.make_host() for _ in range(4)]

    def write(host):
        try:
            for number in range(10):
                hosts.update_host(actor=factories.ADMINISTRATOR, host_id=host.pk, revision=number + 1,
                                  draft=HostDraft(name=host.name, ip_address=host.ip_address,
                                                            os_version=f"{number}"))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, rows))
    assert (verify().is_whole, verify().mark.count) == (True, 40)


# --- consoles that had a history before it was a chain


def test_the_migration_chains_the_entries_that_are_there(unguarded):
    execute(f"UPDATE {TABLE} SET number = number + 100, previous = '', digest = ''")
    execute(f"DELETE FROM {HEAD}")
    migration = import_module("provisioning.migrations.0015_history_chain")
    then = SimpleNamespace(get_model=models_of("0015_history_chain"))
    migration.chain_entries(then, SimpleNamespace(connection=connection))
    guard.install(connection)
    assert (verify().is_whole, verify().mark.count) == (True, 6)
