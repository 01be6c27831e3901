"""Alarm Conditions: what a save refuses, who may, what History keeps."""

from dataclasses import replace

import pytest
from django.utils import timezone

from provisioning.alarms.rules.conditions import ConditionDraft, refusals
from provisioning.alarms.services.conditions import (
    create_condition,
    delete_condition,
    draft_of,
    update_condition,
)
from provisioning.errors import Conflict, NotAllowed, NotFound, Refused
from provisioning.models import Alarm, AlarmCondition, HistoryEntry
from tests import factories
from tests.factories import ADMINISTRATOR, OPERATOR

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
DRAFT = ConditionDraft(name="Line lost", detect_event="00-04504", cancel_event="4503")


@pytest.mark.parametrize(("changes", "why"), [
    ({"name": ""}, "An Alarm Condition needs a Name."),
    ({"name": "Taken"}, "An Alarm Condition named Taken exists already."),
    ({"detect_event": " "}, "Detect Event is required: for example 00-04504."),
    ({"detect_event": "x"}, "Detect Event is no event number. Write it as 00-05061 or 5061."),
    ({"cancel_event": "0"}, "Cancel Event is no event number. Write it as 00-05061 or 5061."),
    ({"cancel_event": "4504"}, "Cancel Event is the Detect Event. Choose another one."),
    ({"category": "grave"}, "Category is Critical, Major or Minor."),
    ({"cancel_timeout": 8761}, "Cancel Timeout is 8761; it must lie between 0 and 8760 hours."),
    ({"selection_mode": "application"}, "Name the Application whose events count."),
    ({"selection_mode": "application_type"}, "Choose the Application Type whose events count."),
    ({"selection_mode": "host"}, "Selection Mode is Select By Any, Select By Application Type or Select By "
                                 "Application."),
    ({"description": "a\nb"}, "Description holds a line break or another control character. Remove it.")])
def test_what_is_refused(changes, why):
    assert [refusal.message for refusal in refusals(replace(DRAFT, **changes), {"Taken"})] == [why]


def test_what_is_right_is_not_refused():
    assert refusals(DRAFT, set()) == []
    assert refusals(replace(DRAFT, selection_mode="application", application="MS_A", cancel_event=""), set()) == []


def test_one_is_created_changed_and_deleted_with_its_history():
    row = create_condition(actor=ADMINISTRATOR, draft=DRAFT)
    assert (row.detect_event, row.cancel_event, row.cancel_timeout, row.category) == (4504, 4503, 24, "major")
    row = update_condition(actor=ADMINISTRATOR, condition_id=row.pk, revision=row.revision,
                           draft=replace(draft_of(row), category="minor"))
    assert (row.category, row.revision, row.changed_by) == ("minor", 2, "ada")
    delete_condition(actor=ADMINISTRATOR, condition_id=row.pk, reason="Not needed.")
    entries = HistoryEntry.objects.filter(object_type="alarm_condition").order_by("number")
    assert [(entry.action, entry.object_name) for entry in entries] == [
        ("created", "Line lost"), ("changed", "Line lost"), ("deleted", "Line lost")]
    assert entries[0].after["detect_event"] == "00-04504"
    with pytest.raises(NotFound):
        delete_condition(actor=ADMINISTRATOR, condition_id=row.pk)


def test_of_what_is_not_selected_nothing_is_kept():
    row = create_condition(actor=ADMINISTRATOR, draft=replace(DRAFT, application="MS_A", application_type="SCS"))
    assert (row.application, row.application_type) == ("", "")


def test_a_name_is_given_once():
    create_condition(actor=ADMINISTRATOR, draft=DRAFT)
    with pytest.raises(Refused, match="An Alarm Condition named Line lost exists already"):
        create_condition(actor=ADMINISTRATOR, draft=DRAFT)


def test_a_predefined_one_is_changed_and_disabled_but_not_deleted():
    row = AlarmCondition.objects.get(predefined="failover")
    update_condition(actor=ADMINISTRATOR, condition_id=row.pk, draft=replace(draft_of(row), enabled=False))
    assert not AlarmCondition.objects.get(pk=row.pk).enabled
    with pytest.raises(Refused, match=r"Failover Happened is predefined and cannot be deleted\. Disable it\."):
        delete_condition(actor=ADMINISTRATOR, condition_id=row.pk)


def test_who_saw_something_else_is_told_of_it():
    row = create_condition(actor=ADMINISTRATOR, draft=DRAFT)
    update_condition(actor=ADMINISTRATOR, condition_id=row.pk, draft=replace(DRAFT, category="minor"))
    with pytest.raises(Conflict) as conflict:
        update_condition(actor=ADMINISTRATOR, condition_id=row.pk, revision=1, draft=replace(
            draft_of(row), category="critical"))
    assert conflict.value.revision == 2
    assert [(each.label, each.theirs, each.yours) for each in conflict.value.differences
            if each.field == "category"] == [("Category", "minor", "critical")]


def test_deleting_one_clears_what_it_raised():
    row = create_condition(actor=ADMINISTRATOR, draft=DRAFT)
    factories.make_alarm(condition=row)
    delete_condition(actor=ADMINISTRATOR, condition_id=row.pk)
    alarm = Alarm.objects.get()
    assert (alarm.condition, alarm.cleared_by, alarm.clear_reason) == (None, "ada", "Its Alarm Condition was deleted.")
    assert alarm.cleared_at <= timezone.now()


def test_only_an_administrator_changes_any():
    row = create_condition(actor=ADMINISTRATOR, draft=DRAFT)
    for work in (lambda: create_condition(actor=OPERATOR, draft=DRAFT),
                 lambda: update_condition(actor=OPERATOR, condition_id=row.pk, draft=DRAFT),
                 lambda: delete_condition(actor=OPERATOR, condition_id=row.pk)):
        with pytest.raises(NotAllowed, match="create, change and delete alarm conditions"):
            work()
