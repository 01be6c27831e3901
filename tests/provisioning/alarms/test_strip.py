"""What every page says of alarms that nobody has acknowledged."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.alarms.selectors.waiting import Waiting, waiting
from provisioning.core import ages
from provisioning.logs.selectors.reader import LOG_READER
from provisioning.models import AlarmCondition, ComponentHeartbeat, RuntimeStatus
from tests import factories
from tests.html import flat
from tests.provisioning.pairs.pages import text_of
from tests.provisioning.posted import LIST, script

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control")]


def alarm_of(mark, **fields):
    return factories.make_alarm(condition=AlarmCondition.objects.get(predefined=mark), **fields)


def line_of(client, address=LIST):
    """The strip of a page, "" where there is none to be seen."""
    found = re.search(r'<section class="alarm-line.*?</section>', flat(client.get(address)))
    return found[0] if found else ""


def test_without_an_alarm_no_page_says_anything(operator):
    page = operator.get(LIST).text
    assert line_of(operator) == ""
    assert "<title>Applications · Pairwise</title>" in page
    assert re.search(r'id="page-icon"\s+href="[^"]*icon(\.\w+)?\.svg"', page)
    assert 'data-newest="0"' in page
    assert waiting() == Waiting()


def test_the_gravest_and_newest_is_shown_on_every_page_with_how_many_more(operator):
    factories.make_alarm(application="MS_Old")
    first = alarm_of("gave-up", application="MS_Worst", text="Starts it no more.")
    newest = alarm_of("clock-off", application="MS_Clock")
    for address in (LIST, reverse("host-list"), reverse("alarm-list"), reverse("account")):
        page, line = operator.get(address).text, line_of(operator, address)
        assert "<title>(2!) " in page
        assert "icon-alarm" in re.search(r'id="page-icon"\s+href="([^"]*)"', page)[1]
        assert f'data-newest="{newest.pk}"' in page
        assert all(each in line for each in (
            "Critical</span>", "x-octagon-fill", "Gave Up: MS_Worst", "— Starts it no more.", "data-so-far>",
            ">and 2 more</a>", reverse("alarm-detail", args=[first.pk]), f'href="{reverse("alarm-list")}"')), address


def test_what_a_maintenance_masks_is_not_shown(operator):
    factories.make_alarm(masked=True)
    assert (line_of(operator), waiting()) == ("", Waiting())


def test_what_is_acknowledged_or_cleared_is_not_shown_and_still_counted(operator):
    factories.make_alarm(acknowledged_at=timezone.now(), acknowledged_by="otto")
    alarm_of("gave-up", cleared_at=timezone.now())
    assert line_of(operator) == ""
    assert (waiting().active, waiting().count, waiting().loud, waiting().said) == (1, 0, 0, "")
    assert "1 active alarm" in text_of(operator.get(LIST))


def test_a_minor_one_is_shown_and_leaves_title_and_icon_as_they_are(operator):
    alarm_of("clock-off", application="MS_Clock")
    assert "Minor" in line_of(operator)
    assert "<title>Applications · Pairwise</title>" in operator.get(LIST).text


def test_the_newest_one_is_said_as_a_sentence():
    factories.make_alarm()
    assert waiting().said == "Major alarm: Failover Happened: MS_Primary. It took over."
    alarm_of("gave-up", application="MS_Worst", text="")
    assert waiting().said == "Critical alarm: Gave Up: MS_Worst."
    alarm_of("clock-off", application="MS_Clock")
    assert waiting().said == "A new alarm was raised. 3 alarms are not acknowledged."


def test_the_part_for_the_script_is_the_strip_alone(support):
    factories.make_alarm()
    answer = support.get(reverse("alarm-strip"), headers=script())
    assert answer.text.strip().startswith("<div")
    assert 'id="alarm-strip"' in answer.text
    assert "<html" not in answer.text


def test_whoever_may_see_nothing_is_told_nothing(without_role):
    factories.make_alarm()
    page = without_role.get(reverse("account")).text
    assert "alarm-strip" not in page
    assert "(1!)" not in page
    assert without_role.get(reverse("alarm-strip")).status_code == 403


def test_on_the_sign_in_page_nothing_is_said_of_alarms(client):
    factories.make_alarm()
    page = client.get(reverse("login")).text
    assert "Failover Happened" not in page
    assert "(1!)" not in page


# --- its buttons


def button_of(line):
    """(label, why it is off) of the button beside Acknowledge."""
    found = re.search(r'<(?:a|button) [^>]*id="strip-(?:start|open)"[^>]*>.*?</(?:a|button)>', line)[0]
    label = " ".join(re.sub(r"<[^>]+>", " ", found).split())
    return label, 'aria-disabled="true"' in found


def test_the_application_that_gave_up_is_started_from_any_page(operator):
    row = factories.make_application("MS_Lost", status="Gave Up", installed=True)
    alarm_of("gave-up", application="MS_Lost")
    line = line_of(operator, reverse("host-list"))
    assert button_of(line) == ("Start", False)
    assert 'aria-label="Start MS_Lost"' in line
    assert all(each in line for each in (
        f'name="ids" value="{row.pk}"', 'name="verb" value="start"', f'name="next" value="{reverse("host-list")}"'))


def test_the_member_of_a_pair_that_is_stopped_is_started(operator, pair):
    primary, backup = pair
    RuntimeStatus.objects.filter(application=backup).update(status="Stopped", mode="")
    alarm_of("without-standby", application=primary.name)
    line = line_of(operator)
    assert button_of(line) == (f"Start {backup.name}", False)
    assert f'name="ids" value="{backup.pk}"' in line
    assert waiting().topics == f"alarms application:{primary.pk} application:{backup.pk}"


def test_both_members_of_a_pair_that_nobody_serves_are_started(operator, pair):
    RuntimeStatus.objects.filter(application__in=pair).update(status="Stopped", mode="")
    alarm_of("nobody-serves", application=pair[0].name)
    line = line_of(operator)
    assert button_of(line) == ("Start both", False)
    assert all(f'name="ids" value="{each.pk}"' in line for each in pair)


@pytest.mark.parametrize("of_backup", [False, True])
def test_a_server_that_cannot_serve_leads_to_its_pair(support, pair, of_backup):
    alarm_of("service-unavailable", application=pair[of_backup].name)
    line = line_of(support)
    assert button_of(line) == ("Open the pair", False)
    assert reverse("pair-detail", args=[pair[0].pk]) in line


def test_a_host_that_is_away_leads_to_its_page(support):
    host = factories.make_host("edge1")
    alarm_of("host-unavailable", application="", host="edge1")
    line = line_of(support)
    assert button_of(line) == ("Open the host", False)
    assert reverse("host-detail", args=[host.pk]) in line


def test_what_is_about_nothing_that_is_there_leads_to_its_own_page(support):
    alarm = alarm_of("gave-up", application="MS_Deleted")
    line = line_of(support)
    assert button_of(line) == ("Open", False)
    assert f'id="strip-open" href="{reverse("alarm-detail", args=[alarm.pk])}"' in line


def test_a_role_that_may_not_finds_the_buttons_off_with_the_reason(support):
    factories.make_application("MS_Lost", status="Stopped", installed=True)
    alarm_of("gave-up", application="MS_Lost")
    assert button_of(line_of(support))[1]
    off = re.search(r'<a [^>]*id="strip-acknowledge"[^>]*>', line_of(support))[0]
    assert "Your role does not let you acknowledge, clear and mask alarms." in off


def test_an_operator_may_acknowledge_and_stays_where_it_was_done(operator):
    alarm = factories.make_alarm()
    acknowledge = re.search(r'<a [^>]*id="strip-acknowledge"[^>]*>', line_of(operator))[0]
    assert "aria-disabled" not in acknowledge
    address = reverse("alarm-acknowledge", args=[alarm.pk])
    assert address in acknowledge
    answer = operator.post(address, {"note": ""}, headers=script())
    assert (answer.status_code, "HX-Redirect" in answer) == (200, False)
    assert "rows-changed" in answer["HX-Trigger"]
    assert line_of(operator) == ""


def test_clearing_an_alarm_leaves_nobodys_page(operator):
    alarm = factories.make_alarm()
    answer = operator.post(reverse("alarm-clear", args=[alarm.pk]), {"reason": "Over."}, headers=script())
    assert (answer.status_code, "HX-Redirect" in answer) == (200, False)
    assert "rows-changed" in answer["HX-Trigger"]


def test_no_button_leads_to_the_page_on_which_it_stands(support, pair):
    alarm = factories.make_alarm()
    own, strip = reverse("alarm-detail", args=[alarm.pk]), reverse("alarm-strip")
    by_script = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{own}?list=%2F"}
    assert 'id="strip-open"' in support.get(LIST).text
    assert 'id="strip-open"' not in support.get(own).text
    assert 'id="strip-open"' not in support.get(strip, headers=by_script).text
    assert 'id="strip-open"' in support.get(strip, headers=script()).text
    alarm_of("disputed", application=pair[0].name)
    assert 'id="strip-open"' not in support.get(reverse("pair-detail", args=[pair[0].pk])).text


# --- who judges alarms


SILENT = "The log reader does not answer"


def beat(age):
    ComponentHeartbeat.objects.update_or_create(name=LOG_READER, defaults={"at": timezone.now() - age})


@pytest.mark.parametrize("role", ["operator", "support"])
def test_a_log_reader_that_is_silent_for_long_is_said_on_every_page(role, request):
    client, parts = request.getfixturevalue(role), f"{reverse('monitoring')}#console-title"
    assert line_of(client) == ""
    beat(ages.CONSOLE_PART / 2)
    assert line_of(client) == ""
    beat(ages.CONSOLE_PART * 2)
    for name in ("host-list", "account", "alarm-strip"):
        line = line_of(client, reverse(name))
        assert all(each in line for each in (
            SILENT, "no alarm is raised, and nobody is told of any.", "data-so-far>", parts))
    assert 'id="console-title"' in client.get(reverse("monitoring")).text


def test_whoever_may_see_nothing_is_not_told_of_the_log_reader(without_role):
    beat(ages.CONSOLE_PART * 2)
    assert SILENT not in without_role.get(reverse("account")).text


def test_an_open_page_hears_of_it_with_its_banners(operator):
    beat(ages.CONSOLE_PART / 2)
    assert 'data-reader="answers"' in operator.get(reverse("troubles")).text
    beat(ages.CONSOLE_PART * 2)
    assert 'data-reader="silent"' in operator.get(reverse("troubles")).text


def test_the_gravest_alarm_stands_below_it(operator):
    beat(ages.CONSOLE_PART * 2)
    factories.make_alarm()
    page = operator.get(LIST).text
    assert page.index(SILENT) < page.index('id="strip-alarm"')


# --- what it costs


def queries(client, address):
    with CaptureQueriesContext(connection) as caught:
        client.get(address)
    return len(caught)


def test_a_page_asks_once_for_its_alarms_and_once_more_for_a_button(operator, django_assert_num_queries):
    operator.get(LIST)
    quiet = queries(operator, reverse("account"))
    for number in range(30):
        alarm_of("clock-off", application=f"MS_{number}")
    assert queries(operator, reverse("account")) == quiet
    alarm_of("gave-up", application="MS_Lost")
    assert queries(operator, reverse("account")) == quiet + 1
    with django_assert_num_queries(2):
        assert waiting().count == 31


def test_names_and_texts_are_escaped(operator):
    alarm_of("gave-up", application="<b>MS</b>", text="<i>no</i>")
    assert not re.search(r"<b>MS|<i>no", operator.get(LIST).text)


def test_conditions_of_people_have_the_same_button(operator):
    factories.make_application("MS_Mine", status="Stopped", installed=True)
    mine = AlarmCondition.objects.create(name="Mine", category="critical", detect_event=Own.GAVE_UP)
    factories.make_alarm(condition=mine, application="MS_Mine")
    assert button_of(line_of(operator)) == ("Start", False)
