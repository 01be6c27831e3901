"""Maintenance: what people say, what is masked by it, and its page."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.alarms.rules.maintenance import MaintenanceDraft
from provisioning.alarms.selectors.alarms import MASKED, active_count, alarm_list
from provisioning.alarms.services.maintenance import begin_maintenance, end_maintenance
from provisioning.alarms.worker.judging import end_old, look
from provisioning.errors import NotAllowed, Refused
from provisioning.models import Alarm, Event, HistoryEntry, Maintenance
from tests import factories
from tests.provisioning.pairs.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


def draft(**fields):
    values = {"kind": "pair", "name": "MS_Backup", "begins_at": None, "ends_at": timezone.now() + timedelta(hours=1),
              "reason": "New disks."}
    return MaintenanceDraft(**{**values, **fields})


def begin(**fields):
    return begin_maintenance(actor=factories.OPERATOR, draft=draft(**fields))


def crash(member):
    look()
    Event.objects.create(at=timezone.now(), number=5024, application=member, host=member.host, text="It ended.")
    look()
    return Alarm.objects.get(number=5024)


def test_what_happens_meanwhile_is_masked_and_told_of_after_its_end(pair):
    row = begin()
    assert (row.name, str(row)) == ("MS_Primary", "Pair MS_Primary")
    alarm = crash(pair[1])
    assert (alarm.masked, active_count(), list(alarm_list(state=MASKED))) == (True, 0, [alarm])
    end_maintenance(actor=factories.OPERATOR, maintenance_id=row.pk)
    alarm.refresh_from_db()
    assert (alarm.masked, active_count()) == (False, 1)
    assert list(HistoryEntry.objects.filter(object_type="maintenance").values_list("action", flat=True)) == [
        "changed", "created"]


def test_it_masks_what_is_active_already_and_its_time_ends_that(pair):
    alarm = crash(pair[0])
    row = begin(kind="host", name=pair[0].host.name)
    assert Alarm.objects.get().masked
    end_old(row.ends_at - timedelta(seconds=1))
    assert Alarm.objects.get().masked
    end_old(row.ends_at)
    assert (Alarm.objects.get(), Alarm.objects.get().masked) == (alarm, False)


def test_the_loss_of_the_host_of_the_backup_masks_what_follows_for_the_pair_but_not_that_nobody_serves(pair):
    begin(kind="host", name=pair[1].host.name)
    look()
    for number in (Own.OUT_OF_SYNC, Own.NOBODY_SERVES):
        Event.objects.create(at=timezone.now(), number=number, application=pair[0], host=pair[0].host, text="So.")
    look()
    assert set(Alarm.objects.values_list("number", "masked")) == {(Own.OUT_OF_SYNC, True), (Own.NOBODY_SERVES, False)}


def test_one_that_has_not_begun_masks_nothing_and_can_be_cancelled(pair):
    row = begin(begins_at=timezone.now() + timedelta(minutes=10))
    assert not crash(pair[0]).masked
    end_maintenance(actor=factories.OPERATOR, maintenance_id=row.pk)
    row.refresh_from_db()
    assert row.ends_at == row.begins_at
    with pytest.raises(Refused, match="is over already"):
        end_maintenance(actor=factories.OPERATOR, maintenance_id=row.pk)


@pytest.mark.parametrize(("fields", "field", "words"), [
    ({"kind": "rack"}, "kind", "Choose what it is about"), ({"name": ""}, "application", "Name the Pair"),
    ({"name": "MS_Gone"}, "application", "belongs to a pair"),
    ({"kind": "host", "name": "gone"}, "host", "There is no Host"),
    ({"kind": "application", "name": "MS_Gone"}, "application", "There is no Application"),
    ({"ends_at": None}, "ends_at", "Say when it ends"), ({"reason": " "}, "reason", "Say what is being done"),
    ({"ends_at": timezone.now() - timedelta(hours=1), "begins_at": timezone.now() - timedelta(hours=2)}, "ends_at",
     "has passed"),
    ({"ends_at": timezone.now() - timedelta(hours=1)}, "ends_at", "before it begins"),
    ({"ends_at": timezone.now() + timedelta(days=31)}, "ends_at", "at most 30 days"),
    ({"ends_at": timezone.now().replace(year=9999)}, "ends_at", "9999")])
def test_what_makes_no_sense_is_refused_with_a_sentence(pair, fields, field, words):
    with pytest.raises(Refused) as refused:
        begin(**fields)
    assert [each.field for each in refused.value.refusals] == [field]
    assert words in str(refused.value)
    assert not Maintenance.objects.exists()


def test_who_may_not_handle_alarms_masks_none(pair):
    with pytest.raises(NotAllowed):
        begin_maintenance(actor=factories.SUPPORT, draft=draft())


def test_the_page_shows_what_goes_on_and_the_dialog_creates_one(operator, pair):
    ends_at = (timezone.now() + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    answer = operator.post(reverse("maintenance-new"), {
        "kind": "host", "host": pair[0].host.name, "application": "", "begins_at": "", "ends_at": ends_at,
        "reason": "New disks."}, follow=True)
    text = text_of(answer)
    assert all(each in text for each in ("Going on", f"Host {pair[0].host.name}", "New disks.", "are masked from"))
    assert "Maintenance: 1 going on" in text_of(operator.get(reverse("alarm-list")))
    operator.post(reverse("maintenance-end", args=[Maintenance.objects.get().pk]))
    assert "Nothing is in maintenance" in text_of(operator.get(reverse("maintenance-list")))
    over = text_of(operator.get(reverse("maintenance-list"), {"state": "over"}))
    assert all(each in over for each in ("New disks.", "1–1 of 1, 1 in all"))


def test_the_dialog_marks_what_has_to_be_filled_in(operator):
    text = text_of(operator.get(reverse("maintenance-new")))
    assert all(f"{label} *" in text for label in ("Host", "Application", "To", "Reason"))
    assert "From *" not in text


def test_it_ends_in_an_hour_unless_somebody_says_otherwise(operator, pair):
    form = operator.get(reverse("maintenance-new")).context["form"]
    ends_at = timezone.make_aware(form["ends_at"].value())
    assert timedelta(minutes=59) < ends_at - timezone.now() <= timedelta(minutes=61)
    operator.post(reverse("maintenance-new"), {
        "kind": "pair", "application": pair[1].name, "ends_at": f"{ends_at:%Y-%m-%dT%H:%M}", "reason": "New disks."})
    assert Maintenance.objects.get().ends_at == ends_at


def test_the_dialog_says_what_is_wrong_beside_the_field(operator, pair):
    answer = operator.post(reverse("maintenance-new"), {"kind": "host", "host": "", "ends_at": "soon", "reason": "x"})
    assert (answer.status_code, "To is a date and a time" in text_of(answer)) == (422, True)
    answer = operator.post(reverse("maintenance-new"), {"kind": "host", "host": "gone", "ends_at": "2099-01-01T03:00",
                                                        "reason": ""})
    assert all(each in text_of(answer) for each in ("There is no Host", "at most 30 days", "Say what is being done"))
