"""The verbs on applications, on the database."""

from dataclasses import replace

import pytest
from django.db import transaction

from provisioning.applications.selectors.applications import application_draft
from provisioning.applications.services import applications as services
from provisioning.core import changes, control_client, signals
from provisioning.drafts import ConnectionDraft
from provisioning.errors import Conflict, NotAllowed, NotFound, Refused
from provisioning.models import Application, Connection, HistoryEntry, Host, ListeningPort, RuntimeStatus
from provisioning.models.applications import MASK
from provisioning.verbs.services import jobs
from tests.factories import (
    ADMINISTRATOR,
    OPERATOR,
    SUPPORT,
    make_application,
    make_draft,
    make_host,
    make_job,
    make_template,
    port,
)

pytestmark = pytest.mark.django_db
SYNC = (port("sync", 7002, protocol="sync", ha_sync=True),)


def create(**fields):
    return services.create_application(actor=ADMINISTRATOR, draft=make_draft(**fields))


def update(row, revision=None, reason="", **fields):
    draft = replace(application_draft(Application.objects.get(pk=row.pk)), **fields)
    return services.update_application(actor=ADMINISTRATOR, application_id=row.pk, revision=revision or row.revision,
                                       draft=draft, reason=reason)


def history_of(row):
    return list(HistoryEntry.objects.filter(object_type="application", object_id=str(row.pk)).order_by("id"))


# --- create


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


# --- pairs on the database


def test_pair_is_linked_and_the_backup_is_no_primary():
    backup = create(name="MS_Backup", ports=SYNC)
    primary = create(name="MS_Primary", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby")
    assert (primary.is_primary, Application.objects.get(pk=backup.pk).is_primary) == (True, False)


def test_two_primaries_do_not_share_a_backup():
    backup = create(name="MS_Backup", ports=SYNC)
    create(name="MS_One", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby")
    with pytest.raises(Refused, match="already the backup of MS_One"):
        create(name="MS_Two", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby")


def test_backup_changes_only_while_both_are_stopped():
    backup, primary = create(name="MS_Backup", ports=SYNC), create(name="MS_Primary", ports=SYNC)
    RuntimeStatus.objects.create(application=backup, status="Started")
    with pytest.raises(Refused, match="MS_Backup is Started"):
        update(primary, backup_server_id=backup.pk, redundancy_type="warm standby")


def test_application_that_was_never_installed_counts_as_stopped_while_its_host_is_away():
    row = create(name="MS")
    RuntimeStatus.objects.create(application=row, status="Unknown")
    assert update(row, name="MS_2").name == "MS_2"


def test_a_backup_takes_over_tenants_and_connections_and_keeps_following():
    server, other = create(name="Server"), create(name="Other")
    backup = create(name="MS_Backup", ports=SYNC, connections=(ConnectionDraft(server_id=other.pk),))
    primary = create(name="MS_Primary", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby",
                     tenants="East", connections=(ConnectionDraft(server_id=server.pk),))
    assert connected(backup) == ("East", ["Server"])
    entry = history_of(backup)[-1]
    assert (entry.user_name, entry.reason) == (
        "ada", "Tenants and Connections of a backup are those of its primary MS_Primary.")
    update(primary, connections=(ConnectionDraft(server_id=other.pk),
                                 ConnectionDraft(server_id=backup.pk, port_id="sync")))
    assert connected(backup) == ("East", ["Other"])
    revision = Application.objects.get(pk=backup.pk).revision
    update(Application.objects.get(pk=primary.pk), description="x")
    assert Application.objects.get(pk=backup.pk).revision == revision


def test_a_backup_has_no_tenants_and_connections_of_its_own():
    backup = create(name="MS_Backup", ports=SYNC)
    create(name="MS_Primary", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby", tenants="East")
    backup = Application.objects.get(pk=backup.pk)
    with pytest.raises(Refused) as caught:
        update(backup, tenants="West", connections=(ConnectionDraft(server_id=create(name="Server").pk),))
    assert [refusal.field for refusal in caught.value.refusals] == ["tenants", "connections"]
    assert update(backup, description="x").description == "x"


def connected(row):
    row = Application.objects.get(pk=row.pk)
    return row.tenants, [connection.server.name for connection in row.connections.all()]


# --- clone, enable, delete


def test_clone_is_not_installed_not_paired_and_on_free_ports():
    host, backup = make_host(), create(name="MS_Backup", ports=SYNC)
    source = create(name="MS", host_id=host.pk, working_directory="/srv/ms", command_line="./MessageServer",
                    command_line_arguments="-app MS", ports=(port("default", 7001), port("sync", 7002, ha_sync=True)),
                    options={"clients": {"bench": "benchpass"}}, backup_server_id=backup.pk,
                    redundancy_type="warm standby", auto_restart=True)
    copy = services.clone_application(actor=ADMINISTRATOR, application_id=source.pk, name="MS_Copy")
    assert (copy.working_directory, copy.command_line, copy.command_line_arguments) == (".", ".", "")
    assert (copy.backup_server, copy.redundancy_type, copy.auto_restart) == (None, "not specified", True)
    assert [(p.port_id, p.port) for p in copy.ports.all()] == [("default", 7003), ("sync", 7004)]
    assert copy.options_dict(masked=False) == {"clients": {"bench": "benchpass"}}
    assert copy.secret != source.secret


def test_enable_and_disable_count_what_changed():
    rows = [make_application(), make_application(enabled=False)]
    keys = [row.pk for row in rows]
    assert services.set_enabled(actor=ADMINISTRATOR, application_ids=keys, enabled=False) == 1
    assert set(Application.objects.values_list("enabled", "revision")) == {(False, 2), (False, 1)}
    assert services.set_enabled(actor=ADMINISTRATOR, application_ids=keys, enabled=True) == 2


def test_delete_removes_the_object_and_keeps_its_history():
    row = create(name="MS", ports=(port(),), options={"log": {"verbose": "all"}})
    assert services.delete_applications(actor=ADMINISTRATOR, application_ids=[row.pk]) == 1
    assert (Application.objects.count(), ListeningPort.objects.count()) == (0, 0)
    last = history_of(row)[-1]
    assert (last.action, last.before["name"], last.after) == ("deleted", "MS", None)


def test_delete_is_refused_while_others_connect_to_it():
    server = create(name="MS")
    client = create(name="Client", connections=(ConnectionDraft(server_id=server.pk),))
    with pytest.raises(Refused, match="Client connects to it") as caught:
        services.delete_applications(actor=ADMINISTRATOR, application_ids=[server.pk])
    assert [link.name for link in caught.value.refusals[0].links] == ["MS", "Client"]
    assert services.delete_applications(actor=ADMINISTRATOR, application_ids=[server.pk, client.pk]) == 2
    assert not Connection.objects.exists()


@pytest.mark.parametrize("status", ["Started", "Unknown", "Start Pending"])
def test_delete_is_refused_while_it_may_run(status):
    row = make_application("MS", installed=True, status=status)
    with pytest.raises(Refused, match=f"while it is {status}"):
        services.delete_applications(actor=ADMINISTRATOR, application_ids=[row.pk])


def test_delete_is_refused_while_a_job_works_on_it_and_nothing_else_goes():
    busy, idle = make_application("Busy", host=make_host()), make_application("Idle")
    job = make_job(busy)
    with pytest.raises(Refused) as caught:
        services.delete_applications(actor=ADMINISTRATOR, application_ids=[idle.pk, busy.pk])
    assert caught.value.refusals[0].links[0].key == str(job.pk)
    assert Application.objects.count() == 2


def test_delete_of_a_backup_clears_the_link_with_history():
    backup = create(name="MS_Backup", ports=SYNC)
    primary = create(name="MS_Primary", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby")
    services.delete_applications(actor=ADMINISTRATOR, application_ids=[backup.pk])
    primary = Application.objects.get(pk=primary.pk)
    assert (primary.backup_server, primary.redundancy_type, primary.revision) == (None, "not specified", 2)
    entry = history_of(primary)[-1]
    assert (entry.before["backup_server"], entry.after["backup_server"]) == ("MS_Backup", "")
    assert entry.reason == "Its backup MS_Backup was deleted."


def test_both_members_can_be_deleted_together():
    backup = create(name="MS_Backup", ports=SYNC)
    primary = create(name="MS_Primary", ports=SYNC, backup_server_id=backup.pk, redundancy_type="warm standby")
    assert services.delete_applications(actor=ADMINISTRATOR, application_ids=[primary.pk, backup.pk]) == 2


# --- checks while typing


def test_check_runs_the_rules_and_writes_nothing():
    host = make_host()
    make_application("Other", host=host, ports={"default": 7001})
    found = services.check_application(draft=make_draft(host_id=host.pk, ports=(port(),)), application_id=None)
    assert [r.field for r in found] == ["ports.0.port"]
    assert Application.objects.count() == 1


def test_check_of_a_stored_object_does_not_clash_with_itself():
    host = make_host()
    row = create(name="MS", host_id=host.pk, ports=(port(),))
    assert services.check_application(draft=application_draft(row), application_id=row.pk) == []


@pytest.mark.parametrize("number", ["7001", 10**30, -1, None, True])
def test_number_that_is_no_port_is_refused_not_an_error(number):
    draft = make_draft(host_id=make_host().pk, ports=(port(number=number),))
    found = services.check_application(draft=draft, application_id=None)
    assert [r.field for r in found] == ["ports.0.port"]


def test_directory_of_a_neighbour_is_found_among_many():
    host = make_host()
    for number in range(5):
        make_application(host=host, working_directory=f"/srv/app{number}")
    found = services.check_application(draft=make_draft(host_id=host.pk, working_directory="/srv//app3/"),
                                       application_id=None)
    assert [r.field for r in found] == ["working_directory"]


def test_ports_of_the_console_are_refused_on_its_own_host(settings):
    settings.PAIRWISE_REDIS_URL = "redis://localhost:6379/0"
    host = make_host("localhost", ip_address="127.0.0.1")
    numbers = (settings.PAIRWISE_PORT, settings.PAIRWISE_CONTROL_PORT, 6379)
    draft = make_draft(host_id=host.pk, ports=tuple(port(f"p{n}", n) for n in numbers))
    assert len(services.check_application(draft=draft, application_id=None)) == 3
    elsewhere = replace(draft, host_id=make_host().pk)
    assert services.check_application(draft=elsewhere, application_id=None) == []


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
