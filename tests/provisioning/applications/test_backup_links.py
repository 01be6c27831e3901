"""A pair on the database: its link, and what its backup takes over."""

import pytest

from provisioning.drafts import ConnectionDraft
from provisioning.errors import Refused
from provisioning.models import Application, RuntimeStatus

from .saves import SYNC, create, history_of, update

pytestmark = pytest.mark.django_db


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
