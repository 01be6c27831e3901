"""Log to: which pair collects log records; who may choose it, what is refused, and the file that says it."""

import json

import pytest

from provisioning.errors import Conflict, NotAllowed, NotFound, Refused
from provisioning.logs.selectors.setting import chosen, log_to, members, pairs_in_use
from provisioning.logs.services.setting import choose, mark_of
from provisioning.logs.worker.source import source
from provisioning.models import Connection, Console, HistoryEntry, PairState
from provisioning.states import ApplicationType
from tests import commands, factories
from tests.factories import ADMINISTRATOR, OPERATOR

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


def test_the_choice_is_kept_and_recorded(pair):
    choose(actor=ADMINISTRATOR, application_id=pair[0].pk)
    assert (log_to(), chosen().log_to_by) == (pair[0], "ada")
    choose(actor=ADMINISTRATOR, application_id=None)
    assert log_to() is None
    assert [entry.reason for entry in HistoryEntry.objects.order_by("number")] == [
        "Log to: none → MS_Primary.", "Log to: MS_Primary → none."]


def test_the_same_choice_once_more_is_nothing_that_is_recorded(pair):
    for _ in range(2):
        choose(actor=ADMINISTRATOR, application_id=pair[0].pk)
    assert HistoryEntry.objects.count() == 1


def test_only_an_administrator_chooses(pair):
    with pytest.raises(NotAllowed):
        choose(actor=OPERATOR, application_id=pair[0].pk)


def test_what_is_no_message_server_is_refused():
    row = factories.make_application("SCS_1", type=ApplicationType.SOLUTION_CONTROL_SERVER)
    with pytest.raises(Refused, match=r"SCS_1 is a Solution Control Server. Only a Message Server takes log records"):
        choose(actor=ADMINISTRATOR, application_id=row.pk)


def test_a_backup_server_is_refused_with_the_name_of_its_primary(pair):
    with pytest.raises(Refused, match="Choose MS_Primary"):
        choose(actor=ADMINISTRATOR, application_id=pair[1].pk)


def test_a_pair_whose_backup_was_chosen_by_itself_is_read_once(pair):
    """Its records would be there twice: it was a server by itself when it was chosen."""
    Console.this()
    Console.objects.update(log_to=pair[1])
    assert pairs_in_use() == [pair[1]]
    Connection.objects.create(application=factories.make_application("MS_Other"), server=pair[1])
    assert pairs_in_use() == [pair[0]]


def test_what_is_not_there_is_not_chosen():
    with pytest.raises(NotFound):
        choose(actor=ADMINISTRATOR, application_id=12345)


def test_who_saw_another_choice_is_told_of_it(pair):
    seen, other = mark_of(chosen()), factories.make_application("MS_Other")
    choose(actor=ADMINISTRATOR, application_id=other.pk)
    with pytest.raises(Conflict) as conflict:
        choose(actor=ADMINISTRATOR, application_id=pair[0].pk, seen=seen)
    [difference] = conflict.value.differences
    assert (difference.theirs, difference.yours) == ("MS_Other", "MS_Primary")
    assert log_to() == other


def test_an_application_that_is_deleted_collects_nothing_any_more():
    row = factories.make_application("MS_1")
    choose(actor=ADMINISTRATOR, application_id=row.pk)
    type(row).objects.filter(pk=row.pk).delete()
    assert (log_to(), source("login")) == (None, None)


def test_both_members_are_dialled_whoever_serves_first(pair):
    choose(actor=ADMINISTRATOR, application_id=pair[0].pk)
    found = source("pairwise.log.reader")
    assert [each.name for each in found.targets] == ["MS_Primary", "MS_Backup"]
    assert len({each.passcode for each in found.targets}) == 2
    PairState.objects.update(active=pair[1])
    turned = source("pairwise.log.reader")
    assert [each.name for each in turned.targets] == ["MS_Backup", "MS_Primary"]
    assert turned.mark == found.mark


def test_a_server_without_a_backup_is_a_source_too():
    row = factories.make_application("MS_1")
    assert members(row) == [row]


def test_export_says_it_and_apply_of_that_finds_nothing_to_do(pair, tmp_path):
    choose(actor=ADMINISTRATOR, application_id=pair[0].pk)
    _, text, _ = commands.run("export")
    assert "log:\n  to: MS_Primary\n" in text
    (tmp_path / "all.yaml").write_text("log: {to: MS_Primary}\n")
    assert "Nothing to do." in commands.run("apply", str(tmp_path / "all.yaml"), "--yes")[1]


@pytest.mark.parametrize(("text", "name"), [("log: {to: MS_Primary}", "MS_Primary"), ("log: {to: }", None),
                                            ("log: {to: ''}", None), ("hosts: []", "MS_Other"), ("log: ", "MS_Other")])
def test_a_file_changes_it(pair, tmp_path, text, name):
    choose(actor=ADMINISTRATOR, application_id=factories.make_application("MS_Other").pk)
    (tmp_path / "file.yaml").write_text(text)
    code, _out, err = commands.run("apply", str(tmp_path / "file.yaml"), "--yes")
    assert code == 0, err
    assert (log_to().name if log_to() else None) == name


@pytest.mark.parametrize(("text", "why"), [
    ("log: {to: MS_Backup}", "Choose MS_Primary"), ("log: {to: Nobody}", 'There is no application "Nobody"'),
    ("log: {at: MS_Primary}", 'Did you mean "to"?')])
def test_what_a_file_says_wrong_is_refused_before_anything_is_written(pair, tmp_path, text, why):
    (tmp_path / "file.yaml").write_text(text)
    code, _out, err = commands.run("apply", str(tmp_path / "file.yaml"), "--yes")
    assert (code, why in err, log_to()) == (2, True, None), err


def test_a_file_can_choose_what_it_creates(tmp_path):
    template, host = factories.make_template(), factories.make_host("alpha")
    (tmp_path / "file.yaml").write_text(json.dumps({"log": {"to": "MS_New"}, "applications": [{
        "name": "MS_New", "template": template.name, "host": host.name,
        "ports": [{"id": "default", "port": "7301", "protocol": "stomp"}]}]}))
    code, out, err = commands.run("apply", str(tmp_path / "file.yaml"), "--yes")
    assert code == 0, err
    assert "~ change setting Log to" in out
    assert log_to().name == "MS_New"
