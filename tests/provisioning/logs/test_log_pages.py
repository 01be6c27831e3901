"""Monitoring > Centralized Log: the list, a record, the settings, the files."""

import html
import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from protocol.events import Own
from provisioning.logs.facts import Query
from provisioning.logs.selectors import records
from provisioning.logs.selectors.reader import LOG_READER
from provisioning.logs.selectors.setting import log_to
from provisioning.logs.services.setting import choose
from provisioning.models import ComponentHeartbeat, Event
from provisioning.models.applications import MASK
from tests import factories
from tests.provisioning.pairs.pages import text_of
from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
LIST = "log-list"


def page(client, **query):
    return client.get(reverse(LIST, query=query))


def test_records_are_shown_newest_first_with_milliseconds(support):
    factories.make_record(at=1_800_000_000_007, text="It is lost.", level="alarm", application="MS_A", host="alpha")
    factories.make_record(at=1_800_000_000_008, text="It is found.")
    answer = page(support)
    text = text_of(answer)
    assert "2027-01-15 08:00:00.007" in text
    assert text.index("It is found.") < text.index("It is lost.")
    assert all(each in text for each in ("Alarm", "00-04504", "MS_A", "MessageServer", "alpha", "2 records"))


def test_without_a_pair_it_says_what_to_do(administrator):
    assert "No pair is chosen to collect logs. Choose one in Settings" in text_of(page(administrator))


def test_with_a_pair_and_no_records_it_says_who_collects(administrator, pair):
    choose(actor=factories.ADMINISTRATOR, application_id=pair[0].pk)
    text = text_of(page(administrator))
    assert "No log record has come yet." in text
    assert "The log reader does not answer" in text
    ComponentHeartbeat.objects.create(name=LOG_READER, at=timezone.now(), facts={
        "pair": "MS_Primary", "member": "MS_Backup", "trouble": "", "removed": 0})
    assert "Collected by MS_Primary; read from MS_Backup." in text_of(page(administrator))


def test_a_filter_without_hits_offers_all(support):
    factories.make_record(text="It is lost.")
    text = text_of(page(support, text="never said"))
    assert "Nothing matches this filter." in text
    assert "Show all" in text


@pytest.mark.parametrize(("query", "shown"), [
    ({"level": "alarm"}, {"one"}), ({"number": "00-05064"}, {"two"}), ({"application": "MS_B"}, {"two"}),
    ({"host": "alpha"}, {"one"}), ({"category": "audit"}, {"two"}), ({"text": "ONE"}, {"one"}),
    ({"time": "hour"}, {"two"}), ({"since": "2020-01-01T00:00"}, {"two"}), ({"until": "2020-01-01T00:00"}, {"one"}),
    ({"number": "rubbish"}, {"one", "two"}), ({"since": "never"}, {"one", "two"})])
def test_filters(support, query, shown):
    factories.make_record(at=1_500_000_000_000, text="one", level="alarm", application="MS_A", host="alpha")
    factories.make_record(text="two", event=5064, application="MS_B", host="beta", category="audit")
    found = page(support, **query).context["page"]
    assert {each["record"].text for each in found} == shown


@pytest.mark.parametrize("address", [LIST, "event-list"])
def test_what_is_no_filter_is_said_beside_the_rows_and_nothing_keeps_it_from_being_sent(support, address):
    """A script shows the part of the rows alone, and a browser sends no form that it holds for wrong."""
    body = support.get(reverse(address, query={"number": "xyz"})).content.decode()
    form, rows = body.split('id="live-list"')
    said = "%s: Write an event number as 00-05061 or 5061. As it is, it does not count."
    assert any(said % label in re.sub(r"\s+", " ", rows) for label in ("Event", "Number"))
    assert "novalidate" in form.split('class="filters"')[1]


def test_batches_of_a_hundred_lead_to_older_ones_and_back(support):
    for number in range(150):
        factories.make_record(at=number, text=f"Said {number}.")
    answer = page(support)
    assert len(answer.context["page"]) == 100
    older = page(support, before=str(answer.context["found"].next))
    assert [each["record"].at for each in older.context["page"]] == list(range(49, -1, -1))
    assert "Newest" in text_of(older)
    assert "Older" not in text_of(older)


def test_a_search_that_ran_out_of_time_says_how_far_it_is_and_goes_on_there_for_longer(support, monkeypatch):
    monkeypatch.setattr(records, "SLICE", 2)
    monkeypatch.setattr(records, "LOOK_S", -1)
    for number in range(6):
        factories.make_record(at=1000 * number, text="needle" if number == 0 else "hay")
    answer = page(support, text="needle")
    assert "Searched back to 1970-01-01 00:00:04; nothing found so far. Search on" in text_of(answer).replace(" ;", ";")
    [on] = re.findall(r'id="log-search-on" href="([^"]+)"', answer.content.decode())
    answer = support.get(f"{reverse(LIST)}{html.unescape(on)}")
    assert [each["record"].text for each in answer.context["page"]] == ["needle"]


def test_only_the_newest_records_are_shown_anew_when_more_come(support):
    for number in range(150):
        factories.make_record(at=number)
    newest = page(support)
    assert 'data-live-topic="log status"' in newest.content.decode()
    older = page(support, before=str(newest.context["found"].next))
    assert 'data-live-topic=" status"' in older.content.decode()


def test_a_record_shows_its_attributes(support):
    row = factories.make_record(attributes={"peer": "MS_B", "a<b": "<script>"})
    answer = support.get(reverse("log-record", args=[row.pk]))
    text = text_of(answer)
    assert "peer" in text
    assert "MS_B" in text
    assert "<script>alert" not in answer.content.decode()
    assert support.get(reverse("log-record", args=[row.pk + 1])).status_code == 404


# --- settings


def test_an_administrator_chooses_the_pair(administrator, pair):
    address = reverse("log-settings")
    assert "Log to" in text_of(administrator.get(address, headers=script()))
    answer = administrator.post(address, {"application": "MS_Primary"})
    assert (answer.status_code, log_to()) == (302, pair[0])
    administrator.post(address, {"application": ""})
    assert log_to() is None


@pytest.mark.parametrize(("name", "why"), [("Nobody", "no application"), ("MS_Backup", "Choose")])
def test_what_cannot_be_chosen_is_refused_beside_the_field(administrator, pair, name, why):
    answer = administrator.post(reverse("log-settings"), {"application": name}, headers=script())
    assert (answer.status_code, log_to()) == (422, None)
    assert why in text_of(answer)


def test_somebody_else_chose_meanwhile(administrator, pair):
    choose(actor=factories.ADMINISTRATOR, application_id=factories.make_application("MS_Other").pk)
    answer = administrator.post(reverse("log-settings"), {"application": "MS_Primary", "seen": "none"},
                                headers=script())
    assert answer.status_code == 409
    assert "MS_Other" in text_of(answer)


def test_an_operator_sees_the_button_off(operator):
    assert 'aria-disabled="true"' in page(operator).content.decode()
    assert operator.get(reverse("log-settings")).status_code == 403


# --- files


def file(client, kind, **query):
    return client.get(reverse("log-export", args=[kind], query=query))


def test_files_hold_what_the_filter_finds(support):
    factories.make_record(text="one", level="alarm", attributes={"peer": "MS_B"})
    factories.make_record(text="=two()")
    found = json.loads(file(support, "json", level="alarm").content)
    assert (found["complete"], [each["text"] for each in found["records"]]) == (True, ["one"])
    assert found["records"][0]["attributes"] == {"peer": "MS_B"}
    lines = file(support, "csv").content.decode().splitlines()
    assert lines[0].lstrip("\ufeff").startswith("at,level,number,")
    assert "'=two()" in lines[1]
    assert file(support, "xml").status_code == 404


def test_no_secret_leaves_the_console_in_a_file(support, pair):
    choose(actor=factories.ADMINISTRATOR, application_id=pair[0].pk)
    pair[0].options.create(section="clients", key="ada", secret_value="s3cret-passcode")
    factories.make_record(text="Let ada in with s3cret-passcode", attributes={"url": "amqp://ada:hunter22@mq/"})
    text = file(support, "json").content.decode()
    assert MASK in text
    assert "s3cret-passcode" not in text
    assert "hunter22" not in text


# --- of one application, host or pair


@pytest.mark.parametrize("name", ["MS_Primary", "MS_Backup"])
def test_a_pair_is_found_by_either_member_and_nobody_whose_name_only_begins_so(support, pair, name):
    for number, application in enumerate(("MS_Primary", "MS_Backup", "MS_Primary_2", "MS_Backup")):
        factories.make_record(at=number, application=application)
    found = page(support, pair=name).context["page"]
    assert [(each["record"].at, each["record"].application) for each in found] == [
        (3, "MS_Backup"), (1, "MS_Backup"), (0, "MS_Primary")]
    assert len(page(support, pair=name, application="MS_Prim").context["page"]) == 1


def test_batches_of_a_pair_lead_to_older_ones(support, pair):
    for number in range(230):
        factories.make_record(at=number // 2, application=pair[number % 2].name)
    seen, before = [], ""
    for _ in range(3):
        answer = page(support, pair="MS_Primary", before=before)
        seen += [each["record"].pk for each in answer.context["page"]]
        before = str(answer.context["found"].next)
    assert len(seen) == len({*seen}) == 230
    assert seen == sorted(seen, reverse=True)


def test_a_search_of_a_pair_that_ran_out_of_time_loses_nothing(pair, monkeypatch):
    monkeypatch.setattr(records, "SLICE", 2)
    for number in range(12):
        factories.make_record(at=number, application=pair[number % 3 == 0].name,
                              text="needle" if number % 2 else "hay")
    query, before, seen = Query(members=("MS_Primary", "MS_Backup"), text="needle"), None, []
    for _ in range(12):
        found = records.find(query, before=before, within_s=0)
        seen += [row.at for row in found.rows]
        before = found.next
        if before is None:
            break
    assert seen == [11, 9, 7, 5, 3, 1]


def test_applications_that_are_there_are_linked_at_the_cost_of_one_query(support, pair):
    for name in ("MS_Primary", "MS_Backup", "Nobody"):
        factories.make_record(application=name)
    text = page(support).content.decode()
    assert all(reverse("application-edit", args=[row.pk]) in text for row in pair)
    assert page(support).context["keys"] == {row.name: row.pk for row in pair}


def test_the_newest_of_an_application_are_those_of_its_whole_name(support):
    factories.make_record(application="MS_10", text="Of another one.")
    address = reverse("log-newest", query={"application": "MS_1"})
    assert "Of another one." not in text_of(support.get(address))
    factories.make_record(application="MS_1", text="Of this one.")
    text = text_of(support.get(address))
    assert "Of this one." in text
    assert "Of another one." not in text
    assert "Open in Centralized Log" in text


def test_pages_of_applications_hosts_and_pairs_lead_to_their_log(support, pair):
    row = pair[0]
    editor = support.get(reverse("application-edit", args=[row.pk])).content.decode()
    assert reverse("log-newest", query={"application": row.name}) in editor
    assert reverse(LIST, query={"host": row.host.name}) in support.get(
        reverse("host-detail", args=[row.host_id])).content.decode()
    assert reverse(LIST, query={"pair": row.name}) in support.get(
        reverse("pair-detail", args=[row.pk])).content.decode()


def test_since_the_last_failover_of_a_pair(support, pair):
    factories.make_record(at=1_500_000_000_000, text="before")
    factories.make_record(text="after")
    at = timezone.now() - timedelta(hours=1)
    Event.objects.create(at=at, number=Own.ROLE_CHANGED, application=pair[0], text="MS_Backup is the active server.")
    for query in ({"pair": "MS_Backup"}, {}, {"application": "MS_Primary"}):
        found = page(support, time="failover", **query).context["page"]
        assert [each["record"].text for each in found] == ["after"]
