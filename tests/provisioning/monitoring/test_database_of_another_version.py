"""A database of another version, as control and whoever watches the console from outside meet it: in transactions that
are written, and so apart from the cases that take back what they did."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from control.database import CONFIGURATION, Database, DatabaseAway
from provisioning.core import database, database_version
from provisioning.core.database_trouble import BEHIND, Trouble
from provisioning.monitoring.services import health as health_service
from provisioning.monitoring.services.health import health
from tests.provisioning.web.test_database_version import NEEDS_SQLITE, NEWEST, NEXT, OLDER, STATES, failing


@pytest.mark.django_db(transaction=True)
@NEEDS_SQLITE
async def test_control_says_it_and_tries_again(monkeypatch):
    monkeypatch.setattr(database_version, "version_trouble", lambda using: Trouble(BEHIND, NEWEST))
    asked = Database(CONFIGURATION)
    try:
        with pytest.raises(DatabaseAway, match=f"^the Configuration Database {OLDER}: no such table"):
            await asked.run(lambda: failing("SELECT * FROM provisioning_of_tomorrow"), patience_s=0.01)
    finally:
        await asked.close()


@pytest.mark.django_db(transaction=True)
@STATES
def test_who_sends_requests_here_is_told(client, monkeypatch, change, said):
    # What this process has proven of other databases is another matter.
    monkeypatch.setattr(health_service, "proof", database.WriteProof(health_service._write))
    change()
    try:
        assert said in health()["database"].reason
        assert client.get("/readyz").status_code == 503
    finally:
        MigrationRecorder(connection).record_unapplied("provisioning", NEXT)
        MigrationRecorder(connection).record_unapplied("provisioning", NEWEST)
        MigrationRecorder(connection).record_applied("provisioning", NEWEST)
