"""An installation from before control's record had a database of its own: what it had recorded of its pairs is kept."""

import json
import os
import subprocess
import sys

import pytest

from tests.sources import ROOT

FORMER = """
import json, sys
from datetime import UTC, datetime
import django
django.setup()
from tests.former_database import make_former

model = make_former("0021_audit_mark_seen")
template = model("provisioning", "ApplicationTemplate").objects.create(
    name="Message_Server", type="MessageServer", version="8.5")
ids = [model("provisioning", "Application").objects.create(name=name, template=template, type="MessageServer").pk
       for name in "ABC"]
since, paused = datetime(2026, 3, 1, 12, 30, 1, 250_000, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
states = model("provisioning", "PairState").objects
states.create(primary_id=ids[0], version=41, epoch=7, active_id=ids[1], standby_in_sync=True, active_copy="b" * 32,
              standby_copy="a" * 32, automatic_failover=False, paused_by="ann", paused_reason="work on the switch",
              paused_at=paused, reason="A has ended.", since=since)
states.create(primary_id=ids[2], version=3, epoch=2, active_id=ids[2], since=since)
model("provisioning", "Leadership").objects.create(name="control", term=12, holder="one", address="10.0.0.1:7000",
                                                   beat=99, since=since)
print(json.dumps(ids))
"""
NOW = """
import json
import django
django.setup()
from django.core.management import call_command
from django.db import connection

call_command("migrate", verbosity=0)
from provisioning.models import PairState
from provisioning.record.models import Leadership, PairRecord
text = lambda rows: json.loads(json.dumps(list(rows), default=str))
print(json.dumps({"records": text(PairRecord.objects.order_by("application_id").values()),
                  "leadership": text(Leadership.objects.values()),
                  "copies": text(PairState.objects.order_by("primary_id").values_list("epoch", "standby_in_sync")),
                  "tables": connection.introspection.table_names()}))
"""


def run(script: str, environment: dict):
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True,
                          timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(params=[
    "a database of its own", pytest.param("one database for both", marks=pytest.mark.long)])
def environment(request, tmp_path) -> dict:
    """Of the console on empty SQLite files."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(("PAIRWISE_", "DJANGO_"))}
    found |= {"DJANGO_SETTINGS_MODULE": "console.settings", "PAIRWISE_DATA_DIR": str(tmp_path)}
    if request.param == "one database for both":
        address = f"sqlite:///{tmp_path}/one.sqlite3"
        found |= {"PAIRWISE_DATABASE_URL": address, "PAIRWISE_CONTROL_DATABASE_URL": address}
    return found


@pytest.mark.long
def test_terms_epochs_and_who_is_in_sync_are_kept_by_the_migration(environment):
    a, b, c = run(FORMER, environment)
    found = run(NOW, environment)
    since = "2026-03-01 12:30:01.250000+00:00"
    unknown = {"identity": "", "generation": 0, "gone_at": None}
    assert found["records"] == [
        {"application_id": a, "version": 41, "epoch": 7, "active_id": b, "standby_in_sync": True,
         "active_copy": "b" * 32, "standby_copy": "a" * 32, "automatic_failover": False, "paused_by": "ann",
         "paused_reason": "work on the switch", "paused_at": "2026-03-02 00:00:00+00:00", "reason": "A has ended.",
         "since": since, **unknown},
        {"application_id": c, "version": 3, "epoch": 2, "active_id": c, "standby_in_sync": False, "active_copy": "",
         "standby_copy": "", "automatic_failover": True, "paused_by": "", "paused_reason": "", "paused_at": None,
         "reason": "", "since": since, **unknown}]
    assert found["leadership"] == [{"name": "control", "term": 12, "holder": "one", "address": "10.0.0.1:7000",
                                    "beat": 99, "since": since, "position": 0}]
    assert found["copies"] == [[7, True], [2, False]]
    assert "provisioning_leadership" not in found["tables"]


def test_an_installation_that_is_new_takes_over_nothing(environment):
    found = run(NOW, environment)
    assert (found["records"], found["leadership"]) == ([], [])
