"""Alarms that last until their Cancel Event, however long that takes, and what ends those for which none can come."""

import importlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.alarms.predefined import LASTS, PREDEFINED
from provisioning.alarms.rules.judge import OLDEST
from provisioning.alarms.services.conditions import draft_of, update_condition
from provisioning.alarms.worker.judging import end_old, look
from provisioning.models import Alarm, AlarmCondition, Event
from provisioning.states import AlarmEnd
from tests import factories
from tests.factories import ADMINISTRATOR
from tests.provisioning.pairs.pages import text_of
from tests.sources import ROOT

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
YEAR, DAY = timedelta(days=365), timedelta(days=1)


@pytest.fixture(autouse=True)
def begun(db):
    look()


def tell(number, application=None, *, host=None, ago=timedelta()):
    Event.objects.create(at=timezone.now() - ago, number=number, application=application, text="So it is.", host=host)
    look()


def ends():
    return list(Alarm.objects.order_by("id").values_list("cleared_how", flat=True))


def test_what_goes_on_is_no_alarm_of_a_day(pair):
    tell(5024, pair[0])
    tell(5024, pair[0])
    end_old(timezone.now() + YEAR)
    assert (Alarm.objects.get().ends_at, ends()) == (None, [""])
    tell(5093, pair[0])
    assert ends() == [AlarmEnd.EVENT]


def test_whoever_has_no_timeout_has_something_that_ends_it():
    lasting = {mark: each for mark, each in PREDEFINED.items() if each.hours == LASTS}
    assert all(each.cancel for each in lasting.values())
    assert {"service-unavailable", "nobody-serves", "host-unavailable", "disputed", "gave-up"} <= lasting.keys()


def test_what_is_older_than_a_month_raises_none(pair):
    tell(5024, pair[0], ago=OLDEST)
    assert not Alarm.objects.exists()
    tell(5024, pair[0], ago=OLDEST - DAY)
    assert Alarm.objects.get().is_active


def test_its_page_says_how_long_it_lasts(support, pair):
    tell(5024, pair[0])
    page = reverse("alarm-detail", args=[Alarm.objects.get().pk])
    assert "not yet. It lasts until its Cancel Event, 00-05093, or Clear" in text_of(support.get(page))
    AlarmCondition.objects.update(cancel_event=0)
    assert "not yet. It lasts until somebody clears it" in text_of(support.get(page))


def test_what_is_active_goes_by_another_cancel_timeout_at_once(pair):
    tell(5024, pair[0])
    row, alarm = AlarmCondition.objects.get(predefined="application-failure"), Alarm.objects.get()
    for hours, ends_at in ((3, alarm.last_at + timedelta(hours=3)), (0, None)):
        update_condition(actor=ADMINISTRATOR, condition_id=row.pk, draft=replace(draft_of(row), cancel_timeout=hours))
        assert Alarm.objects.get().ends_at == ends_at


@pytest.mark.parametrize("change", ["deleted", "renamed"])
@pytest.mark.parametrize("number", [5024, 8000])
def test_of_what_is_not_there_any_more_none_stays(pair, number, change):
    row = pair[0] if number == 5024 else factories.make_host("gamma")
    tell(number, **({"application": row} if number == 5024 else {"host": row}))
    end_old()
    assert ends() == [""]
    rows = type(row).objects.filter(pk=row.pk)
    if change == "deleted":
        rows.delete()
    else:
        rows.update(name="other")
    end_old()
    assert ends() == [AlarmEnd.GONE]
    told = Event.objects.get(number=Own.ALARM_CLEARED).text
    assert told.endswith("as what it is about was deleted or renamed.")


def test_an_alarm_about_a_program_that_was_never_supervised_stays():
    factories.make_record(event=5024, application="Billing")
    look()
    end_old(timezone.now() + YEAR)
    assert ends() == [""]


def test_a_timeout_ends_what_is_about_nothing_in_its_time(pair):
    tell(Own.DISK_SILENT, pair[0])
    type(pair[0]).objects.filter(pk=pair[0].pk).update(name="other")
    end_old()
    assert ends() == [""]


# --- from an earlier version


def test_the_upgrade_changes_what_nobody_had_changed(pair):
    migration = importlib.import_module("provisioning.migrations.0038_reactions")
    since = {"shipping-behind"}
    assert migration.FORMER_HOURS.keys() == {mark for mark, each in PREDEFINED.items() if each.hours == LASTS} - since
    for mark, hours in migration.FORMER_HOURS.items():
        AlarmCondition.objects.filter(predefined=mark).update(cancel_timeout=hours)
    AlarmCondition.objects.filter(predefined="disputed").update(cancel_timeout=12)
    own = AlarmCondition.objects.create(name="Mine", detect_event=4504, cancel_timeout=24)
    made = {mark: factories.make_alarm(condition=AlarmCondition.objects.get(predefined=mark), application=name)
            for mark, name in (("gave-up", pair[0].name), ("disputed", "MS_Gone"))}
    then = SimpleNamespace(connection=connection)
    migration.end_no_more_by_time(apps, then)
    migration.note_what_is_supervised(apps, then)
    changed = set(AlarmCondition.objects.filter(cancel_timeout=0).values_list("predefined", flat=True))
    assert changed - since == migration.FORMER_HOURS.keys() - {"disputed"}
    own.refresh_from_db()
    assert own.cancel_timeout == 24
    stored = {mark: Alarm.objects.get(pk=row.pk) for mark, row in made.items()}
    assert (stored["gave-up"].ends_at, stored["gave-up"].supervised) == (None, True)
    assert (stored["disputed"].ends_at, stored["disputed"].supervised) == (made["disputed"].ends_at, False)


FORMER = """
import django
django.setup()
from tests.former_database import make_former

rows = make_former("0037_more_detail")("provisioning", "AlarmCondition").objects
rows.create(name="One", detect_event=1, reaction="restart")
rows.create(name="Other", detect_event=1, clearance_reaction="start", cancel_timeout=3)
"""
NOW = """
import json
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from provisioning.models import AlarmCondition
print(json.dumps(list(AlarmCondition.objects.filter(predefined="").values_list(
    "name", "reactions", "clearance_reactions", "cancel_timeout"))))
"""


@pytest.mark.long
def test_the_one_reaction_of_before_is_a_list_of_one(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PAIRWISE_", "DJANGO_"))}
    environment |= {"DJANGO_SETTINGS_MODULE": "console.settings", "PAIRWISE_DATA_DIR": str(tmp_path)}
    for script in (FORMER, NOW):
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True,
                              timeout=100)
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [["One", ["restart"], [], 24], ["Other", [], ["start"], 3]]
