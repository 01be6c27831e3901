"""The services of applications: create, update, somebody else's save in between, who is told."""

from dataclasses import replace

import pytest
from django.db import transaction

from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import applications as services
from provisioning.core import changes, control_client, signals
from provisioning.errors import Conflict, NotAllowed, NotFound, Refused
from provisioning.models import Application, HistoryEntry, Host
from provisioning.models.applications import MASK
from provisioning.verbs.services import jobs
from tests.factories import (
    ADMINISTRATOR,
    OPERATOR,
    SUPPORT,
    make_application,
    make_draft,
    make_host,
    make_template,
    port,
)

from .saves import SYNC, create, history_of, update

pytestmark = pytest.mark.django_db


def test_create_takes_type_and_version_from_the_template():
    row = create(name="MS_Primary")
    assert (row.type, row.version, row.revision, row.changed_by) == ("MessageServer", "8.5.100.01", 1, "ada")


def test_create_proposes_options_and_ports_of_the_template():
    row = create(ports=None, options=None)
    assert row.options_dict() == {"log": {"verbose": "standard", "all": "stdout"}, "messages": {"retention-days": "7"}}
    assert [(p.port_id, p.port, p.ha_sync) for p in row.ports.all()] == [("default", 7001, False), ("sync", 7002, True)]


def test_create_moves_proposed_ports_to_free_numbers():
    host = make_host(lca_port=7004)
    make_application(host=host, ports={"default": 7001, "other": 7003})
    row = create(ports=None, host_id=host.pk)
    assert [p.port for p in row.ports.all()] == [7002, 7005]


def test_create_refuses_what_the_rules_refuse_and_writes_nothing():
    make_application("MS_Primary")
    with pytest.raises(Refused) as caught:
        create(name="MS_Primary", startup_timeout=0)
    assert [r.field for r in caught.value.refusals] == ["name", "startup_timeout"]
    assert Application.objects.count() == 1
    assert not HistoryEntry.objects.exists()


@pytest.mark.parametrize("actor", [OPERATOR, SUPPORT])
def test_only_administrators_configure(actor):
    draft, row = make_draft(), make_application()
    for verb in (
        lambda: services.create_application(actor=actor, draft=draft),
        lambda: services.update_application(actor=actor, application_id=row.pk, revision=1, draft=draft),
        lambda: services.clone_application(actor=actor, application_id=row.pk, name="x"),
        lambda: services.delete_applications(actor=actor, application_ids=[row.pk]),
        lambda: services.set_enabled(actor=actor, application_ids=[row.pk], enabled=False),
    ):
        with pytest.raises(NotAllowed):
            verb()


def test_secrets_are_encrypted_and_masked():
    row = create(options={"clients": {"bench": "benchpass"}, "log": {"verbose": "all"}})
    assert row.options_dict() == {"clients": {"bench": MASK}, "log": {"verbose": "all"}}
    assert row.options_dict(masked=False)["clients"] == {"bench": "benchpass"}
    assert "benchpass" not in str(history_of(row)[0].after)


# --- update


def test_update_saves_fields_and_rows():
    row = create(ports=(port("default", 7001),), options={"log": {"verbose": "all", "segment": "10 MB"}})
    row = update(row, description="first", ports=(port("default", 7002), port("sync", 7001)),
                 options={"log": {"verbose": "standard"}}, annex={"sml": {"suspending-wait-timeout": "20"}})
    assert (row.description, row.revision) == ("first", 2)
    assert [(p.port_id, p.port) for p in row.ports.all()] == [("default", 7002), ("sync", 7001)]
    assert row.options_dict() == {"log": {"verbose": "standard"}}
    assert row.options_dict(annex=True) == {"sml": {"suspending-wait-timeout": "20"}}


def test_update_leaves_what_the_draft_leaves_open():
    row = create(ports=(port(),), options={"log": {"verbose": "all"}})
    row = update(row, description="x", ports=None, options=None, annex=None, connections=None)
    assert (row.ports.count(), row.options_dict()) == (1, {"log": {"verbose": "all"}})


def test_a_server_that_gets_another_host_is_not_installed_there():
    row = make_application("MS", host=make_host("evil"), installed=True)
    Application.objects.update(command_line="/bin/sh", command_line_arguments="-c id", working_directory="/srv")
    moved = update(row, host_id=make_host("other").pk)
    assert (moved.working_directory, moved.command_line, moved.command_line_arguments) == (".", ".", "")
    assert not moved.is_installed
    assert history_of(row)[-1].after["command_line"] == "."
    with pytest.raises(Refused, match="MS is not installed yet"):
        jobs.start_application(actor=ADMINISTRATOR, application_id=row.pk)


def test_what_is_typed_together_with_another_host_stays():
    row = make_application("MS", host=make_host("alpha"), installed=True)
    moved = update(row, host_id=make_host("other").pk, working_directory="/srv/ms", command_line="./run.sh")
    assert (moved.working_directory, moved.command_line, moved.command_line_arguments) == ("/srv/ms", "./run.sh", "")


def test_a_host_that_is_chosen_for_the_first_time_sets_nothing_back():
    row = make_application("MS", installed=True)
    assert update(row, host_id=make_host("alpha").pk).is_installed


def test_update_that_changes_nothing_writes_nothing():
    row = create(ports=(port(),), options={"clients": {"bench": "benchpass"}})
    row = update(row, options={"clients": {"bench": "benchpass"}})
    assert (row.revision, len(history_of(row))) == (1, 1)


def test_mask_keeps_the_stored_secret():
    row = create(options={"clients": {"bench": "benchpass"}})
    row = update(row, options={"clients": {"bench": MASK}, "log": {"verbose": "all"}})
    assert row.options_dict(masked=False)["clients"] == {"bench": "benchpass"}


def test_new_secret_is_stored_and_history_says_so_without_it():
    row = create(options={"clients": {"bench": "benchpass"}})
    row = update(row, options={"clients": {"bench": "otherpass"}})
    assert row.options_dict(masked=False)["clients"] == {"bench": "otherpass"}
    entry = history_of(row)[-1]
    assert entry.reason == "New value for [clients] bench."
    assert "otherpass" not in f"{entry.before}{entry.after}{entry.reason}"


def test_history_has_full_snapshots_of_before_and_after():
    host = make_host("alpha")
    row = create(name="MS", host_id=host.pk, ports=(port(),))
    row = update(row, name="MS_2", reason="rename for the audit")
    entry = history_of(row)[-1]
    assert (entry.action, entry.user_name, entry.origin, entry.reason) == (
        "changed", "ada", "192.0.2.7", "rename for the audit")
    assert (entry.before["name"], entry.after["name"], entry.after["host"]) == ("MS", "MS_2", "alpha")
    assert entry.after["ports"] == [{
        "port_id": "default", "port": 7001, "protocol": "", "ha_sync": False, "listening_mode": "unsecured",
        "transport_parameters": "", "application_parameters": "", "description": ""}]


def test_update_of_a_deleted_application_is_not_found():
    with pytest.raises(NotFound):
        services.update_application(actor=ADMINISTRATOR, application_id=1, revision=1, draft=make_draft())


# --- somebody else saved in between


def test_save_over_another_save_is_refused_with_what_differs():
    row = create(startup_timeout=90, options={"log": {"verbose": "all"}})
    update(row, startup_timeout=120, options={"log": {"verbose": "standard"}})
    with pytest.raises(Conflict) as caught:
        update(row, revision=1, startup_timeout=60, options={"log": {"verbose": "trace"}})
    conflict = caught.value
    assert (conflict.revision, conflict.saved_by) == (2, "ada")
    assert [(d.label, d.theirs, d.yours) for d in conflict.differences] == [
        ("Startup Timeout", "120", "60"), ("Options [log] verbose", "standard", "trace")]
    assert Application.objects.get(pk=row.pk).startup_timeout == 120


def test_save_over_another_save_goes_through_when_nothing_of_it_differs():
    row = create(startup_timeout=90)
    update(row, startup_timeout=120)
    row = update(row, revision=1, startup_timeout=120, description="mine")
    assert (row.revision, row.startup_timeout, row.description) == (3, 120, "mine")


def test_differences_name_hosts_and_hide_secrets():
    first, second = make_host("alpha"), make_host("beta")
    row = create(host_id=first.pk, options={"clients": {"bench": "aaaaaaaa"}})
    update(row, host_id=second.pk, options={"clients": {"bench": "bbbbbbbb"}})
    with pytest.raises(Conflict) as caught:
        update(row, revision=1, host_id=first.pk, options={"clients": {"bench": "cccccccc"}})
    assert [(d.theirs, d.yours) for d in caught.value.differences] == [("beta", "alpha"), (MASK, f"{MASK} (new value)")]


def test_revision_that_moves_while_saving_is_refused(monkeypatch):
    row = create()
    stale = services._reload(row.pk)
    Application.objects.filter(pk=row.pk).update(revision=5)
    monkeypatch.setattr(services, "_reload", lambda _: stale)
    with pytest.raises(Refused, match="somebody else"):
        services.update_application(actor=ADMINISTRATOR, application_id=row.pk, revision=1,
                                    draft=replace(application_draft(stale), description="x"))


# --- who is told


@pytest.fixture
def told(monkeypatch):
    heard = {"topics": [], "control": []}
    monkeypatch.setattr(signals, "announce", lambda *topics: heard["topics"].append(set(topics)))
    monkeypatch.setattr(control_client, "announce_changed",
                        lambda applications=(), hosts=(): heard["control"].append((list(applications), list(hosts))))
    return heard


def test_pages_and_control_are_told_once_after_commit(told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        backup = create(name="MS_Backup", ports=SYNC)
        primary = create(name="MS_Primary", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby")
        assert told == {"topics": [], "control": []}
    assert told["control"] == [(["MS_Backup", "MS_Primary"], [])]
    assert told["topics"] == [{f"application:{backup.pk}", f"application:{primary.pk}", "applications", "status"}]


def test_rename_tells_both_names(told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        update(create(name="MS"), name="MS_2")
    assert set(told["control"][-1][0]) == {"MS", "MS_2"}


@pytest.mark.django_db(transaction=True)
def test_rolled_back_change_tells_nobody_and_the_next_one_does(told):
    with transaction.atomic():
        changes.tell("application:1", applications=["A"])
        transaction.set_rollback(True)
    with transaction.atomic():
        changes.tell("application:2", applications=["B"])
    assert told == {"topics": [{"application:2"}], "control": [(["B"], [])]}


def test_template_or_host_that_is_gone_is_refused_not_an_error():
    template = make_template()
    with pytest.raises(Refused) as caught:
        create(template_id=template.pk + 99, host_id=12345)
    assert {r.field for r in caught.value.refusals} == {"template_id", "host_id"}
    assert not Host.objects.exists()


def test_a_secret_option_that_is_stored_empty_can_be_saved_again():
    row = make_application("Empty", host=make_host(), options={"db": {"password": ""}}, working_directory=".")
    assert update(row, description="saved").description == "saved"
    assert Application.objects.get(pk=row.pk).options_dict(masked=False) == {"db": {"password": ""}}
