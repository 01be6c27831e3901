"""A database of another version, as control and whoever watches the console from outside meet it: in transactions that
are written, and so apart from the cases that take back what they did."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from control.database import CONFIGURATION, Database, DatabaseAway
from provisioning.core import database_version
from provisioning.core.database_trouble import BEHIND, Trouble
from provisioning.monitoring.services.health import health
from tests.provisioning.web.test_database_version import NEEDS_SQLITE, NEWEST, NEXT, OLDER, STATES, failing


@pytest.mark.django_db(transaction=True)
@NEEDS_SQLITE
async def test_control_says_it_and_tries_again(monkeypatch):
    monkeypatch.setattr(database_version, "version_trouble", lambda using: Trouble(BEHIND, NEWEST))
    database = Database(CONFIGURATION)
    try:
        with pytest.raises(DatabaseAway, match=f"^the Configuration Database {OLDER}: no such table"):
            await database.run(lambda: failing("SELECT * FROM provisioning_of_tomorrow"), patience_s=0.01)
    finally:
        await database.close()


@pytest.mark.django_db(transaction=True)
@STATES
def test_who_sends_requests_here_is_told(client, change, said):
    change()
    try:
        assert said in health()["database"].reason
        assert client.get("/readyz").status_code == 503
    finally:
        MigrationRecorder(connection).record_unapplied("provisioning", NEXT)
        MigrationRecorder(connection).record_unapplied("provisioning", NEWEST)
        MigrationRecorder(connection).record_applied("provisioning", NEWEST)
