"""Monitoring > Notifications: channels, rules and deliveries, and who was told of an alarm."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import AlarmCondition, Channel, Delivery, DeliveryAttempt, HistoryEntry, NotificationRule
from provisioning.models.applications import MASK
from provisioning.notifications import shown, tags
from provisioning.notifications.rules.named import as_text, names_in, parted
from provisioning.notifications.worker import trial
from provisioning.notifications.worker.planner import plan
from provisioning.states import ChannelKind, DeliveryState, Told
from tests import factories
from tests.provisioning.pairs.pages import text_of
from tests.provisioning.posted import script

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]
HOOK = {"kind": "webhook", "name": "Hook", "own_url": "https://hooks.example.com/a?token=t0ken", "enabled": "on",
        "secret_secret": "s3cret-of-the-hook"}
RULE = {"name": "Day", "channels": ["Duty"], "enabled": "on", "wait_s": "0", "repeat_h": "0", "group_s": "60",
        "limit_per_hour": "20", "time_zone": "UTC", "recovery": "on"}


@pytest.fixture
def duty():
    return factories.make_channel("Duty", fields={"url": "https://127.0.0.1:9/hook"})


# --- channels


def test_without_a_channel_the_page_says_what_to_do(administrator):
    for name, words in (("channel-list", "nobody is told of alarms"), ("rule-list", "Create a channel first."),
                        ("delivery-list", "Nothing was sent yet.")):
        assert words in text_of(administrator.get(reverse(name)))


def test_a_channel_is_listed_with_where_it_goes_and_what_came_of_it_last(support, duty):
    factories.make_rule(duty, name="Night")
    factories.make_tried(duty)
    factories.make_tried(duty, state=DeliveryState.FAILED)
    factories.make_delivery(duty)
    factories.make_channel("Chat", kind=ChannelKind.SLACK, fields={"url": "https://hooks.slack.com/s"})
    answer = support.get(reverse("channel-list"))
    text = text_of(answer)
    assert all(each in text for each in ("Duty", "Webhook", "https://127.0.0.1:9/hook", "Given up", "none yet",
                                         "Webhook URL, never shown"))
    assert "slack.com" not in answer.content.decode()
    assert 'href="/monitoring/notifications/rules/?channel=Duty"' in answer.content.decode()
    assert answer.content.decode().count("create, change, test and delete channels") == 1 + 2 * 3


def test_the_fields_are_those_of_the_kind_that_is_chosen(administrator):
    address = reverse("channel-new")
    first = administrator.get(address, headers=script())
    assert 'name="own_to"' in first.content.decode()
    assert 'hx-target="#channel-kind"' in first.content.decode()
    other = administrator.get(address, {"kind": "slack"}, headers=script("channel-kind")).content.decode()
    assert 'name="secret_url"' in other
    assert 'name="own_to"' not in other
    assert 'name="own_to"' in administrator.get(address, {"kind": "pigeon"}).content.decode()


def test_without_scripts_a_button_brings_the_fields_and_keeps_what_was_typed(administrator):
    answer = administrator.post(reverse("channel-new"), {"kind": "webhook", "name": "Typed", "choose": "1"})
    text = answer.content.decode()
    assert (answer.status_code, 'value="Typed"' in text, 'name="own_url"' in text) == (200, True, True)
    # Enter in a field presses the first button.
    assert text.index("Create</button>") < text.index('name="choose"')
    assert "is required" not in text
    assert not Channel.objects.exists()


def test_an_administrator_creates_and_changes_one_and_no_page_shows_its_secret(administrator):
    assert administrator.post(reverse("channel-new"), HOOK).status_code == 302
    row = Channel.objects.get()
    assert (row.settings, row.secret_fields) == ({"url": HOOK["own_url"]}, {"secret": "s3cret-of-the-hook"})
    address = reverse("channel-edit", args=[row.pk])
    page = administrator.get(address).content.decode()
    assert f'value="{MASK}"' in page
    assert "Stored, never shown." in page
    for shows in (page, administrator.get(reverse("channel-list")).content.decode()):
        assert "s3cret" not in shows
    assert "t0ken" not in administrator.get(reverse("channel-list")).content.decode()
    kept = {**HOOK, "secret_secret": MASK, "name": "Renamed", "revision": "1"}
    assert administrator.post(address, kept).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.secret_fields, row.revision) == ("Renamed", {"secret": "s3cret-of-the-hook"}, 2)
    late = administrator.post(address, kept, headers=script())
    assert (late.status_code, "saved this channel in the meantime" in text_of(late)) == (409, True)


@pytest.mark.parametrize(("changes", "why", "field"), [
    ({"own_url": ""}, "URL is required.", "id_own_url"),
    ({"own_url": "ftp://a/"}, "URL is no URL of http or https.", "id_own_url"),
    ({"name": ""}, "A channel needs a Name.", "id_name")])
def test_what_is_wrong_stands_beside_its_field(administrator, changes, why, field):
    answer = administrator.post(reverse("channel-new"), HOOK | changes, headers=script())
    assert (answer.status_code, why in text_of(answer)) == (422, True)
    place = answer.content.decode().split(f'id="{field}_error"')[1]
    assert why.split(".")[0] in place.split("</div>")[0]
    assert not Channel.objects.exists()


def test_one_is_disabled_and_enabled_in_the_list_and_keeps_the_rest(administrator):
    row = factories.make_channel("Duty", fields={"url": HOOK["own_url"], "secret": "s3cret"})
    address = reverse("channel-enable", args=[row.pk])
    answer = administrator.post(address, {"enabled": "0"}, headers=script())
    assert (answer.status_code, "Channel Duty was disabled." in text_of(answer)) == (200, True)
    row.refresh_from_db()
    assert (row.enabled, row.secret_fields) == (False, {"secret": "s3cret"})
    administrator.post(address, {"enabled": "1"})
    row.refresh_from_db()
    assert row.enabled


def test_one_whose_fields_are_refused_by_now_is_disabled_in_the_form_and_in_the_list(administrator):
    rows = [factories.make_channel(name, fields={"url": "ftp://192.0.2.80/"}) for name in ("Duty", "Night")]
    sent = {"kind": "webhook", "name": "Duty", "own_url": "ftp://192.0.2.80/", "revision": "1"}
    address = reverse("channel-edit", args=[rows[0].pk])
    assert administrator.post(address, {**sent, "enabled": "on"}).status_code == 422
    assert administrator.post(address, sent).status_code == 302
    administrator.post(reverse("channel-enable", args=[rows[1].pk]), {"enabled": "0"})
    assert not Channel.objects.filter(enabled=True).exists()


def test_the_question_before_deleting_names_the_rules_that_use_it(administrator, duty):
    other, address = factories.make_channel("Other"), reverse("channel-delete", args=[duty.pk])
    factories.make_rule(duty, other, name="Both")
    assert "Used by 1 rule: Both" in text_of(administrator.get(address, headers=script()))
    alone = factories.make_rule(duty, name="Alone")
    assert "rule Alone has no other channel than Duty" in text_of(administrator.get(address, headers=script()))
    assert "rule Alone has no other channel" in text_of(administrator.post(address, {}, follow=True))
    alone.delete()
    administrator.post(address, {"reason": "Not needed."})
    assert Channel.objects.get() == other


def test_the_question_before_deleting_leads_to_the_conditions_that_tell_it(administrator, duty):
    for row in AlarmCondition.objects.filter(predefined__in=("gave-up", "disputed")):
        row.channels.add(duty)
    answer = administrator.get(reverse("channel-delete", args=[duty.pk]), headers=script())
    assert "tell Duty as a reaction. Take that out of their reactions first." in text_of(answer)
    assert "Told by 2 Alarm Conditions: Disputed Gave Up" in text_of(answer)
    assert f'href="{reverse("condition-list")}?text=Gave%20Up"' in answer.content.decode()


def answers(monkeypatch, **said):
    """Whatever is sent, this comes back."""
    attempt = DeliveryAttempt(at=timezone.now(), took_ms=1234, **said)
    monkeypatch.setattr(trial, "attempt", lambda recipient, message: attempt)


def test_a_test_shows_what_was_sent_and_that_it_was_taken(administrator, duty, monkeypatch):
    answers(monkeypatch, succeeded=True, status=200, answer="welcome")
    address = reverse("channel-test", args=[duty.pk])
    assert "is sent now, once, through Duty" in text_of(administrator.get(address, headers=script()))
    assert not Delivery.objects.exists()
    text = text_of(administrator.post(address, headers=script()))
    delivery = Delivery.objects.get()
    assert all(each in text for each in ("It was taken.", "welcome", "1,234 ms", "200", delivery.subject, "JSON"))
    assert text_of(administrator.get(reverse("delivery-detail", args=[delivery.pk]))).count("Taken") == 1


def test_of_a_command_nobody_looks_for_a_message(administrator, monkeypatch):
    row = factories.make_channel("Light", kind=ChannelKind.COMMAND, fields={"command": "/bin/light"})
    answers(monkeypatch, succeeded=True)
    text = text_of(administrator.post(reverse("channel-test", args=[row.pk]), headers=script()))
    assert "Look whether the program has done what it is for." in text
    assert "where people read it" not in text


@pytest.mark.parametrize(("status", "what"), [
    (401, "does not accept the credential"), (404, "knows no such address"), (503, "a trouble of its own"),
    (None, "whether the address is right")])
def test_a_test_that_was_not_taken_says_so_and_what_to_do(administrator, duty, monkeypatch, status, what):
    answers(monkeypatch, succeeded=False, status=status, answer="no <b>entry</b>")
    answer = administrator.post(reverse("channel-test", args=[duty.pk]), headers=script())
    text = text_of(answer)
    assert all(each in text for each in ("It was not taken.", what, "Send again"))
    assert "no &lt;b&gt;entry" in answer.content.decode()


# --- rules


def test_a_rule_is_listed_with_a_sentence_of_what_it_tells(support, duty):
    factories.make_rule(duty, name="Night", categories=["critical"], pairs=["MS_P"], wait_s=300,
                                     quiet_hours="22:00-06:00", time_zone="Europe/Berlin")
    text = text_of(support.get(reverse("rule-list")))
    assert all(each in text for each in ("Night", "Duty", "Critical alarms of pair MS_P", "After 5 min",
                                         "22:00–06:00 Europe/Berlin"))
    assert support.get(reverse("rule-new")).status_code == 403


@pytest.mark.parametrize(("fields", "what"), [
    ({}, "All alarms"), ({"categories": ["critical", "major", "minor"]}, "All alarms"),
    ({"categories": ["minor", "critical"], "applications": ["MS_A", "MS_B"]},
     "Critical or minor alarms of MS_A or MS_B"),
    ({"conditions": ["Gave Up"], "hosts": ["alpha"], "pairs": ["MS_P"]},
     "All alarms of the condition Gave Up, on host alpha, of pair MS_P"),
    ({"hosts": ["a", "b", "c", "d", "e"]}, "All alarms on host a, b, c or one of 2 more")])
def test_the_sentence_is_made_of_the_filters(fields, what):
    assert shown.what_of(NotificationRule(**fields)) == what


def test_an_administrator_creates_and_changes_a_rule(administrator, duty):
    page = administrator.get(reverse("rule-new"), headers=script())
    assert all(each in text_of(page) for each in ("Duty", "Critical", "Gather For", "Europe/Berlin"))
    sent = {**RULE, "categories": ["critical", "major"], "applications": 'MS_A, "MS, B"', "quiet_from": "22:00",
            "quiet_to": "06:00", "time_zone": "Europe/Berlin"}
    assert administrator.post(reverse("rule-new"), sent).status_code == 302
    row = NotificationRule.objects.get()
    assert (row.categories, row.applications, row.quiet_hours, row.time_zone) == (
        ["critical", "major"], ["MS_A", "MS, B"], "22:00-06:00", "Europe/Berlin")
    assert [channel.name for channel in row.channels.all()] == ["Duty"]
    address = reverse("rule-edit", args=[row.pk])
    page = administrator.get(address).content.decode()
    assert all(each in page for each in ('value="MS_A, &quot;MS, B&quot;"', 'value="22:00"', 'value="06:00"'))
    administrator.post(address, {**RULE, "enabled": "", "quiet_from": "", "quiet_to": "", "revision": "1"})
    row.refresh_from_db()
    assert (row.enabled, row.quiet_hours, row.time_zone, row.applications) == (False, "", "", [])
    late = administrator.post(address, {**RULE, "revision": "1"}, headers=script())
    assert (late.status_code, "saved this notification rule in the meantime" in text_of(late)) == (409, True)


@pytest.mark.parametrize(("changes", "why"), [
    ({"channels": []}, "Choose at least one channel: without one nobody is told."),
    ({"channels": ["Gone"]}, "There is no channel Gone any more."),
    ({"quiet_from": "22:00"}, "Quiet Hours begin and end: fill in both, or neither."),
    ({"quiet_from": "soon"}, "Quiet From is a time of the day, for example 22:00."),
    ({"quiet_from": "22:00", "quiet_to": "22:00"}, "Quiet Hours cannot be read."),
    ({"wait_s": "x"}, "Wait must be a whole number."), ({"limit_per_hour": "0"}, "Limit"),
    ({"hosts": '"a'}, "Hosts has a quote that is not closed")])
def test_what_is_wrong_with_a_rule_stands_beside_its_field(administrator, duty, changes, why):
    answer = administrator.post(reverse("rule-new"), RULE | changes, headers=script())
    assert (answer.status_code, why in text_of(answer), 'class="error"' in answer.text) == (422, True, True)
    assert not NotificationRule.objects.exists()


def test_a_rule_that_nothing_fits_is_saved_with_a_warning(administrator, duty, pair):
    answer = administrator.post(reverse("rule-new"), RULE | {
        "conditions": "No Such", "applications": "nope_*", "hosts": "h9", "pairs": "MS_Backup, MS"}, follow=True)
    text = text_of(answer)
    assert NotificationRule.objects.get().pairs == ["MS_Backup", "MS"]
    for what in ("alarm condition No Such", "application nope_*", "host h9", "pair MS"):
        assert f"There is no {what}: no alarm of it is told until there is one." in text
    assert "There is no pair MS_Backup" not in text


def test_a_rule_is_deleted_after_a_question_that_says_what_it_tells(administrator, duty):
    row = factories.make_rule(duty, name="Night", hosts=["alpha"])
    address = reverse("rule-delete", args=[row.pk])
    assert "All alarms on host alpha" in text_of(administrator.get(address, headers=script()))
    administrator.post(address, {"reason": "Not needed."})
    assert not NotificationRule.objects.exists()


def test_a_rule_without_any_channel_leads_to_where_one_is_created(administrator):
    answer = administrator.get(reverse("rule-new"), headers=script())
    assert "Create a channel first." in text_of(answer)
    assert f'href="{reverse("channel-list")}"' in answer.content.decode()


def test_names_are_offered_with_what_is_written_before_them(support, pair):
    def offered(named, text):
        return support.get(reverse("notification-names", args=[named]), {named: text}).content.decode()
    assert 'value="MS_Primary"' in offered("applications", "prim")
    assert 'value="MS_Primary, MS_Backup"' in offered("applications", "MS_Primary, back")
    assert "MS_Primary, MS_Primary" not in offered("applications", "MS_Primary, ")
    assert "MS_Backup" not in offered("pairs", "")
    factories.make_channel("Duty, day")
    assert 'value="Duty, day"' in offered("channel", "Duty, d")
    assert support.get(reverse("notification-names", args=["users"])).status_code == 404


@pytest.mark.parametrize(("text", "names"), [
    ("", ()), (" a ,b,, a", ("a", "b")), ('"a, b", c', ("a, b", "c")), ("a\r\nb\nc", ("a", "b", "c"))])
def test_a_line_of_names_is_read_as_it_is_written(text, names):
    assert names_in(text) == names
    assert names_in(as_text(names)) == names


def test_what_is_being_typed_begins_behind_the_last_comma_that_is_in_no_quotes():
    assert parted('"a, b", c') == ('"a, b", ', "c")
    assert parted('a, "b, ') == ("a, ", "b,")


# --- deliveries


def test_deliveries_are_listed_and_filtered(support, duty):
    factories.make_tried(duty)
    factories.make_tried(duty, subject="Over", state=DeliveryState.FAILED, told=Told.CLEARED)
    factories.make_delivery(factories.make_channel("Chat"), subject="Later")
    text = text_of(support.get(reverse("delivery-list")))
    assert all(each in text for each in ("Critical: MS_", "Given up", "Cleared", "Waiting", "Chat", "all"))
    for chosen, shows in (({"state": "failed"}, "Over"), ({"channel": "chat"}, "Later"),
                          ({"text": "critical"}, "Critical")):
        text = text_of(support.get(reverse("delivery-list"), chosen))
        assert [each for each in ("Over", "Later", "Critical") if each in text] == [shows]


def test_a_delivery_shows_its_message_each_attempt_and_its_alarms(support, duty):
    alarm = factories.make_alarm()
    row = factories.make_tried(duty, alarms=[alarm.pk, alarm.pk + 1], state=DeliveryState.FAILED)
    answer = support.get(reverse("delivery-detail", args=[row.pk]))
    text = text_of(answer)
    assert all(each in text for each in (
        "It happened", "&quot;type&quot;: &quot;alarm.raised&quot;", "503", "12 ms", "As answered.",
        "a trouble of its own", str(alarm),
        f"Alarm {alarm.pk + 1}, which was removed"))
    assert f'href="{reverse("alarm-detail", args=[alarm.pk])}"' in answer.content.decode()
    assert support.get(reverse("delivery-detail", args=[row.pk + 1])).status_code == 404


def test_one_that_waits_is_sent_now_and_not_once_more(administrator, duty):
    later = timezone.now() + timedelta(hours=6)
    waits = factories.make_tried(duty, state=DeliveryState.WAITING, due_at=later)
    address, page = reverse("delivery-resend", args=[waits.pk]), reverse("delivery-detail", args=[waits.pk])
    assert "Send now" in text_of(administrator.get(page))
    assert 'name="now"' in administrator.get(address, headers=script()).content.decode()
    assert "Send it now instead." in text_of(administrator.post(address, follow=True))
    assert "is sent now through Duty" in text_of(administrator.post(address, {"now": "1"}, follow=True))
    waits.refresh_from_db()
    assert (waits.state, waits.due_at < timezone.now(), Delivery.objects.count()) == (DeliveryState.WAITING, True, 1)
    assert HistoryEntry.objects.order_by("number").last().reason == f"Sent now: {waits.subject}"
    Delivery.objects.update(state=DeliveryState.SENT, due_at=None)
    assert "was sent or given up meanwhile" in text_of(administrator.post(address, {"now": "1"}, follow=True))
    assert (Delivery.objects.get().due_at, "Resend" in text_of(administrator.get(page))) == (None, True)


def test_one_that_is_not_tried_any_more_is_sent_again(administrator, duty):
    row = factories.make_tried(duty)
    address = reverse("delivery-resend", args=[row.pk])
    assert "sent once more through Duty" in text_of(administrator.get(address, headers=script()))
    answer = administrator.post(address, follow=True)
    assert "is sent again through Duty" in text_of(answer)
    assert Delivery.objects.filter(subject=row.subject).count() == 2


# --- an alarm's page


def test_the_page_of_an_alarm_says_who_was_told(support, duty, monkeypatch):
    alarms = [factories.make_alarm(application=f"MS_{number}") for number in range(12)]
    first, tenth = alarms[0], alarms[9]
    address = reverse("alarm-detail", args=[first.pk])
    assert "Nobody was told." in text_of(support.get(address))
    for subject, numbers in (("Alone", [first.pk]), ("Several", [tenth.pk, first.pk]), ("Strange", [tenth.pk]),
                             ("Begins", [first.pk, tenth.pk]), ("Between", [tenth.pk, first.pk, alarms[3].pk]),
                             ("Longer", [int(f"{first.pk}0")]), ("Ends", [int(f"9{first.pk}")])):
        factories.make_tried(duty, subject=subject, alarms=numbers)
    text = text_of(support.get(address))
    said = [each for each in ("Alone", "Several", "Strange", "Begins", "Between", "Longer", "Ends") if each in text]
    assert said == ["Alone", "Several", "Begins", "Between"]
    monkeypatch.setattr(tags, "SHOWN_MOST", 2)
    assert "Only the last 2 are shown." in text_of(support.get(address))


def test_what_a_limit_holds_stands_at_the_alarm_and_above_the_lists(support, duty):
    plan()
    rule = factories.make_rule(duty, name="Day", limit_per_hour=1)
    factories.make_delivery(duty, rule_name="Day")
    row = factories.make_alarm()
    plan()
    words = "held by the Limit of the rule Day , 1 message an hour, until"
    text = text_of(support.get(reverse("alarm-detail", args=[row.pk])))
    assert f"It is {words}" in text
    assert "Nobody was told" not in text
    for name in ("rule-list", "channel-list", "delivery-list"):
        assert f"1 alarm is {words}" in text_of(support.get(reverse(name)))
    rule.limit_per_hour = 2
    rule.save()
    assert "It is held by Gather For of the rule Day until" in text_of(
        support.get(reverse("alarm-detail", args=[row.pk])))
    assert "held by" not in text_of(support.get(reverse("rule-list")))


def test_the_json_of_a_page_is_that_of_the_message(duty):
    row = factories.make_tried(duty, payload={"text": "Prüfung"})
    assert json.loads(shown.json_of(row)) == row.payload
    assert "Prüfung" in shown.json_of(row)
