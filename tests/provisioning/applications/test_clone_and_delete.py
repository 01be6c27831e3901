"""Clone, enable, disable and delete."""

import pytest

from provisioning.applications.services import applications as services
from provisioning.drafts import ConnectionDraft
from provisioning.errors import Refused
from provisioning.models import Application, Connection, ListeningPort
from tests.factories import ADMINISTRATOR, make_application, make_host, make_job, port

from .saves import SYNC, create, history_of

pytestmark = pytest.mark.django_db


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
