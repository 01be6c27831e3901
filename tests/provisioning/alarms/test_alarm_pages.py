"""Monitoring > Alarms and Provisioning > Environment > Alarm Conditions."""

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import Alarm, AlarmCondition, Event
from tests import factories
from tests.html import flat
from tests.provisioning.pairs.pages import text_of
from tests.provisioning.posted import script

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
NEW = {"name": "Line lost", "category": "major", "detect_event": "00-04504", "selection_mode": "any",
       "cancel_timeout": "24", "enabled": "on"}


def test_without_any_it_says_so_and_leads_to_cleared_ones(support):
    text = text_of(support.get(reverse("alarm-list")))
    assert "No alarm is active." in text
    assert "Show those that were cleared" in text


def test_active_ones_are_shown_and_counted_on_every_page(support):
    factories.make_alarm()
    factories.make_alarm(application="MS_Gone", cleared_at=timezone.now())
    answer = support.get(reverse("alarm-list"))
    text = text_of(answer)
    assert all(each in text for each in ("Major", "Failover Happened", "MS_Primary", "It took over.", "1 active alarm"))
    assert "MS_Gone" not in text
    assert "MS_Gone" in text_of(support.get(reverse("alarm-list"), {"state": "ended"}))
    assert 'aria-disabled="true"' in answer.content.decode()


def test_the_page_leads_to_the_pair_and_the_host_that_are_still_there(support, pair):
    row = factories.make_alarm(application=pair[1].name, host=pair[1].host.name)
    page = support.get(reverse("alarm-detail", args=[row.pk])).text
    for name, key in (("pair-detail", pair[0].pk), ("host-detail", pair[1].host_id)):
        assert f'<a href="{reverse(name, args=[key])}">' in page
    gone = factories.make_alarm(application="MS_Gone", host="gone")
    assert "/monitoring/pairs/" not in support.get(reverse("alarm-detail", args=[gone.pk])).text.split("<h2")[1]


def test_a_predefined_condition_is_offered_to_nobody_for_deletion(administrator):
    own = AlarmCondition.objects.create(name="Line lost", detect_event=4504)
    predefined = AlarmCondition.objects.get(predefined="gave-up")
    page = administrator.get(reverse("condition-list"), {"size": "200"}).text
    for row, off in ((own, False), (predefined, True)):
        button = page[page.index(f'id="delete-{row.pk}"'):].split(">")[0]
        assert ("cannot be deleted" in button or 'aria-disabled="true"' in button) is off


def test_the_foot_counts_those_in_the_state_that_is_shown(support):
    factories.make_alarm()
    for name in ("MS_1", "MS_2"):
        factories.make_alarm(application=name, cleared_at=timezone.now())
    for state, said in (("ended", "1–2 of 2, 2 in all"), ("all", "1–3 of 3, 3 in all")):
        assert said in text_of(support.get(reverse("alarm-list"), {"state": state}))
    none = text_of(support.get(reverse("alarm-list"), {"state": "ended", "text": "nothing like it"}))
    assert "Show the 1 active" in none
    Alarm.objects.update(cleared_at=timezone.now())
    none = text_of(support.get(reverse("alarm-list"), {"text": "nothing like it"}))
    assert "Show all, also cleared ones" in none
    assert "Show the" not in none


@pytest.mark.parametrize("name", ["application-list", "host-list", "delivery-list", "event-list", "history", "job-list",
                                  "maintenance-list", "user-list"])
def test_no_list_offers_to_show_nothing(administrator, name):
    answer = administrator.get(reverse(name), {"text": "nothing like it", "q": "nothing like it"})
    assert not re.search(r"Show (all|the) 0", text_of(answer))


def test_of_one_that_was_cleared_nobody_is_asked_to_acknowledge_it(support):
    active, over = factories.make_alarm(), factories.make_alarm(application="MS_Gone", cleared_at=timezone.now())
    assert "Acknowledge says that you do" in text_of(support.get(reverse("alarm-detail", args=[active.pk])))
    assert "Acknowledge says" not in text_of(support.get(reverse("alarm-detail", args=[over.pk])))


def test_the_dashboard_shows_active_ones_first(operator):
    assert "dash-alarms" not in operator.get(reverse("monitoring")).content.decode()
    factories.make_alarm()
    page = operator.get(reverse("monitoring")).content.decode()
    assert page.index("dash-alarms") < page.index("dash-pairs")


def test_its_page_tells_the_story_with_milliseconds(support, pair):
    alarm = factories.make_alarm(note="Called the owner.", acknowledged_by="otto", acknowledged_at=timezone.now())
    Event.objects.create(at=alarm.raised_at.replace(microsecond=42_000), application=pair[0], number=5024,
                         text="MS_Primary was killed.")
    text = text_of(support.get(reverse("alarm-detail", args=[alarm.pk])))
    assert all(each in text for each in ("Called the owner.", "by otto", "MS_Primary was killed.", ".042", "00-05024"))
    assert support.get(reverse("alarm-detail", args=[alarm.pk + 1])).status_code == 404


def test_names_in_its_story_lead_to_what_is_still_there(support, pair):
    alarm, gone = factories.make_alarm(), factories.make_application("MS_Gone")
    told = [Event.objects.create(at=alarm.raised_at, number=number, text="It happened.", **about)
            for number, about in ((5024, {"application": pair[1]}), (8000, {"host": pair[0].host}))]
    page = support.get(reverse("alarm-detail", args=[alarm.pk])).text
    leads_to = (("application", reverse("application-edit", args=[pair[1].pk])),
                ("host", reverse("host-detail", args=[pair[0].host_id])))
    for event, (kind, address) in zip(told, leads_to, strict=True):
        link = re.search(rf'<a\s+id="event-{event.pk}-{kind}"\s+href="([^"]+)"', page)
        assert link[1].split("?")[0] == address
    other = factories.make_alarm(application=gone.name)
    Event.objects.create(at=other.raised_at, number=5024, application=gone, text="It ended.")
    gone.delete()
    assert '<span class="gone">MS_Gone</span>' in support.get(reverse("alarm-detail", args=[other.pk])).text


def test_an_operator_acknowledges_and_clears(operator):
    alarm = factories.make_alarm()
    address = reverse("alarm-acknowledge", args=[alarm.pk])
    assert "Acknowledge" in text_of(operator.get(address, headers=script()))
    assert operator.post(address, {"note": "Mine."}).status_code == 302
    address = reverse("alarm-clear", args=[alarm.pk])
    refused = operator.post(address, {"reason": ""}, headers=script())
    assert (refused.status_code, "Say why the alarm is cleared." in text_of(refused)) == (422, True)
    assert operator.post(address, {"reason": "Over."}).status_code == 302
    alarm = Alarm.objects.get()
    assert (alarm.note, alarm.clear_reason, alarm.is_active) == ("Mine.", "Over.", False)
    assert "was cleared already" in text_of(operator.post(address, {"reason": "Twice."}, headers=script()))


def test_conditions_are_listed_with_what_they_are_about(support):
    text = text_of(support.get(reverse("condition-list")))
    assert all(each in text for each in ("Failover Happened", "predefined", "42-20102", "24 h", "Disabled"))
    assert support.get(reverse("condition-new")).status_code == 403


def test_an_administrator_creates_and_changes_one(administrator):
    text = text_of(administrator.get(reverse("condition-new"), headers=script()))
    assert all(each in text for each in ("Cancel Timeout", "Channels to Tell There is no channel yet."))
    sent = NEW | {"description": "A line.\r\nIt is lost."}
    assert administrator.post(reverse("condition-new"), sent).status_code == 302
    assert AlarmCondition.objects.get(name=NEW["name"]).description == "A line. It is lost."
    row = AlarmCondition.objects.get(name="Line lost")
    address = reverse("condition-edit", args=[row.pk])
    assert 'value="00-04504"' in administrator.get(address).content.decode()
    answer = administrator.post(address, {**NEW, "category": "minor", "enabled": "", "revision": "1"})
    row.refresh_from_db()
    assert (answer.status_code, row.category, row.enabled, row.revision) == (302, "minor", False, 2)
    late = administrator.post(address, {**NEW, "revision": "1"}, headers=script())
    assert (late.status_code, "saved this Alarm Condition in the meantime" in text_of(late)) == (409, True)


def test_a_condition_that_is_allowed_and_strange_is_saved_with_a_warning(administrator):
    strange = NEW | {"selection_mode": "application", "application": "Billing", "reactions": ["start"],
                     "cancel_event": "", "cancel_timeout": "0"}
    text = text_of(administrator.post(reverse("condition-new"), strange, follow=True))
    assert AlarmCondition.objects.get(name="Line lost").application == "Billing"
    assert "There is no application Billing: nothing is done with it until there is one." in text
    assert "its alarms end only when somebody clears them" in text
    factories.make_application("Billing")
    text = text_of(administrator.post(reverse("condition-new"), strange | {"name": "Other"}, follow=True))
    assert "There is no application" not in text


@pytest.mark.parametrize(("changes", "why"), [
    ({"detect_event": ""}, "Detect Event is required: for example 00-04504."),
    ({"cancel_event": "4504"}, "Cancel Event is the Detect Event. Choose another one."),
    ({"name": "Gave Up"}, "An Alarm Condition named Gave Up exists already."),
    ({"cancel_timeout": "x"}, "Cancel Timeout must be a whole number.")])
def test_what_is_wrong_stands_beside_its_field(administrator, changes, why):
    answer = administrator.post(reverse("condition-new"), NEW | changes, headers=script())
    assert (answer.status_code, why in text_of(answer)) == (422, True)
    assert not AlarmCondition.objects.filter(name="Line lost").exists()


def test_one_is_deleted_after_a_question_and_a_predefined_one_is_not(administrator):
    row = AlarmCondition.objects.create(name="Line lost", detect_event=4504)
    factories.make_alarm(condition=row)
    address = reverse("condition-delete", args=[row.pk])
    assert "1 active alarm is cleared." in text_of(administrator.get(address, headers=script()))
    administrator.post(address, {"reason": "Not needed."})
    assert not AlarmCondition.objects.filter(pk=row.pk).exists()
    kept = AlarmCondition.objects.get(predefined="gave-up")
    address, why = reverse("condition-delete", args=[kept.pk]), "Gave Up is predefined and cannot be deleted."
    assert why in text_of(administrator.get(address, headers=script()))
    assert why in text_of(administrator.post(address, {}, follow=True))
    assert AlarmCondition.objects.filter(pk=kept.pk).exists()


def test_where_no_event_tells_more_the_text_is_said_once(support):
    row = factories.make_alarm(text="No bill was written.", acknowledged_at=timezone.now(), acknowledged_by="otto")
    assert text_of(support.get(reverse("alarm-detail", args=[row.pk]))).count("No bill was written.") == 1


def test_one_that_somebody_looks_after_says_so_on_top_and_asks_for_nothing(operator):
    alarm = factories.make_alarm()
    address = reverse("alarm-detail", args=[alarm.pk])
    primary = 'class="button button-primary" id="alarm-acknowledge"'
    assert primary in flat(operator.get(address))
    operator.post(reverse("alarm-acknowledge", args=[alarm.pk]), {"note": ""})
    page = operator.get(address)
    assert primary not in flat(page)
    assert all(each in state_of(page) for each in ("Major", "Acknowledged by"))
    operator.post(reverse("alarm-clear", args=[alarm.pk]), {"reason": "Over."})
    assert state_of(operator.get(address)) == "Major Cleared"


def state_of(page):
    found = re.search(r'<span id="alarm-state">(.*?)(?:<a [^>]*help|</div>)', flat(page))[1]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


@pytest.mark.parametrize(("about", "query"), [
    ({"application": "MS_Backup"}, {"pair": "MS_Primary"}), ({"application": "Billing & Co"}, {}),
    ({"application": "", "host": "edge1"}, {})])
def test_its_page_leads_to_the_log_of_that_time_and_of_both_members(support, pair, about, query):
    at = timezone.now().replace(hour=12, minute=30, second=50)
    alarm = factories.make_alarm(raised_at=at, **about)
    address = reverse("alarm-detail", args=[alarm.pk])
    expected = [*(query or {name: value for name, value in about.items() if value}).items(),
                ("since", f"{at:%Y-%m-%dT}12:28")]
    assert parse_qsl(urlsplit(log_of(support.get(address))).query) == expected
    Alarm.objects.update(cleared_at=at)
    found = log_of(support.get(address))
    assert parse_qsl(urlsplit(found).query) == [*expected, ("until", f"{at:%Y-%m-%dT}12:32")]
    assert support.get(found).context["form"].is_valid()


def log_of(page):
    return unescape(re.search(r'id="alarm-log" href="([^"]+)"', flat(page))[1])
