"""The pages of charts, and the last hour in lists."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from protocol.events import Own
from provisioning.charts import views
from provisioning.charts.facts import DAY_S, HOST, LONG_S, NAN, SERVER, STOPPED, WHY_NOT
from provisioning.charts.rules.ranges import RANGES
from provisioning.charts.worker import stored
from provisioning.core.permissions import Actor
from provisioning.history import history
from provisioning.logbook.models import ALIAS, LastHour, Sample
from provisioning.models import Application, Event, Host
from tests import factories
from tests.provisioning.pairs.pages import text_of

from .made import figures, point

pytestmark = pytest.mark.django_db
SCRIPT = {"HX-Request": "true"}
ANSWERING = {"span": 10, "acknowledged": 500, "delivered": 250, "within_1": 400, "within_10": 100, "clients": 3,
             "waiting_bytes": 2048, "lag": 7, "disk_free": 2**30, "disk_total": 4 * 2**30}


@pytest.fixture
def old_pair(pair):
    """One that has been there for longer than charts show."""
    Application.objects.update(created_at=datetime.now(UTC) - timedelta(days=60))
    return pair


def at(row, name="application-charts", **query):
    return reverse(name, args=[row.pk], query=query or None)


def reported(*rows, minutes=10, **numbers):
    """Figures of the last minutes."""
    now = int(time.time()) // 10 * 10
    for ago in range(minutes * 60, 0, -10):
        kind = HOST if isinstance(rows[0], Host) else SERVER
        said = ANSWERING | numbers if kind == SERVER else numbers
        stored.record({kind: {row.pk: point(kind, **said) for row in rows}}, at=now - ago, holder="test")


def body_of(answer):
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("role", ["support", "operator", "administrator"])
def test_everybody_with_a_role_sees_the_charts_of_a_server(old_pair, role, request):
    reported(old_pair[0])
    answer = request.getfixturevalue(role).get(at(old_pair[0]))
    body, text = body_of(answer), text_of(answer)
    for words in ("Charts of MS_Primary", "acknowledged 50/s", "delivered 25/s", "connected 3", "accepted 2 kB",
                  "records 7", "free 1 GB", "size 4 GB", "99 %", "50 %", "What happened", "Without figures"):
        assert words in text, words
    assert body.count('class="chart panel"') == body.count('class="chart-drawing"') == 6
    assert "style=" not in body.split("<main")[1]


def test_both_members_of_a_pair_are_in_each_chart(old_pair, support):
    reported(*old_pair)
    text = text_of(support.get(at(old_pair[0], "pair-charts")))
    assert all(words in text for words in ("MS_Primary ⇄ MS_Backup", "MS_Primary acknowledged 50/s",
                                           "MS_Backup acknowledged 50/s"))


def test_a_backup_leads_to_the_charts_of_its_pair(old_pair, support):
    assert support.get(at(old_pair[1], "pair-charts")).url == at(old_pair[0], "pair-charts")


def test_a_host_has_charts(support):
    host = factories.make_host("east")
    Host.objects.update(created_at=datetime.now(UTC) - timedelta(days=60))
    reported(host, cpu_percent=12.0, memory_percent=40.0, disk_free=2**40)
    text = text_of(support.get(at(host, "host-charts")))
    assert all(words in text for words in ("Processor busy 12 %", "Memory used 40 %", "Free disk space free 1 TB"))


def test_of_what_pairwise_does_not_start_there_are_none(support):
    row = factories.make_application("Other", type="GenericServer")
    assert support.get(at(row)).status_code == 404
    assert support.get(at(row, "pair-charts")).status_code == 404


@pytest.mark.parametrize("range_", RANGES)
def test_a_chart_without_figures_says_why(old_pair, support, range_):
    body = body_of(support.get(at(old_pair[0], range=range_)))
    assert body.count("Nothing was recorded in this time.") == 6
    assert "<path" not in body.split('class="charts-grid"')[1].split("</div>")[0]


@pytest.mark.parametrize("range_", RANGES)
def test_every_range_shows_what_was_reported_and_where_nothing_was(old_pair, support, range_):
    reported(old_pair[0])
    text = text_of(support.get(at(old_pair[0], range=range_)))
    assert "because the console recorded nothing" in text
    assert "Nothing was recorded" not in text


def test_a_server_that_was_stopped_says_so(old_pair, support):
    reported(old_pair[0], minutes=61, **dict.fromkeys(ANSWERING, NAN) | {"state": STOPPED, "span": 0})
    assert f"Nothing was reported of MS_Primary: {WHY_NOT[STOPPED]}." in text_of(support.get(at(old_pair[0])))


def test_tables_have_the_same_numbers(old_pair, support):
    reported(old_pair[0], minutes=3)
    body = body_of(support.get(at(old_pair[0])))
    rows = re.search(r'id="chart-clients".*?<tbody>(.*?)</tbody>', body, re.DOTALL)[1].split("<tr>")[1:]
    assert len(rows) in (60, 61)
    assert ['<td class="number">3</td>' in row for row in rows[1:3]] == [True, True]
    assert all("the console recorded nothing" in row for row in rows[5:])


def test_marks_lead_to_what_happened(old_pair, support):
    primary = old_pair[0]
    reported(primary)
    job = factories.make_job(primary, state="succeeded")
    Event.objects.create(application=primary, number=Own.ROLE_CHANGED, at=datetime.now(UTC),
                         text="MS_Primary: from backup to primary.")
    before = history.snapshot(primary) | {"description": "before"}
    entry = history.record(actor=Actor(name="ada"), row=primary, before=before, after=history.snapshot(primary),
                           reason="As asked.")
    answer = support.get(at(primary, "pair-charts"))
    body, text = body_of(answer), text_of(answer)
    for address in (reverse("job-detail", args=[job.pk]), reverse("history-entry", args=[entry.number])):
        # In each of the charts with a drawing, and once for the keyboard.
        assert body.count(f'href="{address}"') == 7
    assert body.count("/monitoring/events/?application=MS_Primary&amp;since=") == 7
    assert all(words in text for words in ("Role change MS_Primary: from backup to primary.", "Job Start MS_Primary: ",
                                           "Configuration MS_Primary: changed by ada. As asked."))


def test_what_happened_at_another_time_is_not_marked(old_pair, support):
    reported(old_pair[0])
    Event.objects.create(application=old_pair[0], number=Own.ROLE_CHANGED, text="Long ago.",
                         at=datetime.now(UTC) - timedelta(hours=3))
    assert "Long ago." not in text_of(support.get(at(old_pair[0])))
    assert "Long ago." in text_of(support.get(at(old_pair[0], range="24h")))


def test_a_script_gets_the_content_alone_and_an_open_page_shows_itself_anew(old_pair, support):
    whole, part = support.get(at(old_pair[0])), support.get(at(old_pair[0]), headers=SCRIPT)
    assert 'data-live-topic="figures"' in body_of(whole)
    assert body_of(part).lstrip().startswith("<div\n  class=\"charts\"")
    assert "HX-Request" in part["Vary"]


def test_a_time_that_is_over_does_not_change(old_pair, support):
    body = body_of(support.get(at(old_pair[0], until=int(time.time()) - DAY_S)))
    assert "data-live-topic=\"figures\"" not in body
    assert all(f'id="charts-{name}"' in body for name in ("earlier", "later"))


def test_what_was_before_an_object_was_made_is_not_its_own(pair, support):
    """A database that was put back may give a key away once more."""
    reported(pair[0])
    assert "Nothing was recorded in this time." in text_of(support.get(at(pair[0])))


def test_without_the_log_database_the_page_says_so(old_pair, support, monkeypatch):
    def away(*_, **__):
        raise DatabaseError("away")

    monkeypatch.setattr(views, "figures_of", away)
    assert "The log database, which holds the figures, does not answer" in text_of(support.get(at(old_pair[0])))


def test_the_tab_of_the_editor_and_the_pages_of_pair_and_host_lead_to_charts(pair, support):
    assert 'data-tab="charts"' in body_of(support.get(reverse("application-edit", args=[pair[0].pk])))
    assert at(pair[0], "pair-charts") in body_of(support.get(reverse("pair-detail", args=[pair[0].pk])))
    assert at(pair[0].host, "host-charts") in body_of(support.get(reverse("host-detail", args=[pair[0].host_id])))


def test_in_the_tab_another_range_does_not_leave_the_editor(old_pair, support):
    part = body_of(support.get(at(old_pair[0], **{"in": "tab"}), headers=SCRIPT))
    assert f'hx-get="{at(old_pair[0])}?in=tab&amp;range=24h"' in part


def test_a_kept_application_has_no_tab(support):
    row = factories.make_application("Other", type="GenericServer")
    assert 'data-tab="charts"' not in body_of(support.get(reverse("application-edit", args=[row.pk])))


@pytest.mark.parametrize("name", ["application-list", "pair-list"])
def test_lists_show_the_last_hour_in_one_query(pair, support, name):
    now = int(time.time()) // 60
    stored.keep_minute({pair[0].pk: 50.0}, now - 1)
    stored.keep_minute({pair[0].pk: 100.0}, now)
    with CaptureQueriesContext(connections[ALIAS]) as asked:
        body = body_of(support.get(reverse(name)))
    assert "Acknowledged a second in the last hour: at most 100/s, now 100/s" in body
    assert sum(LastHour._meta.db_table in each["sql"] for each in asked) == 1


def test_a_list_has_a_dash_where_nothing_is_known(pair, support):
    assert "Nothing was reported in the last hour" in body_of(support.get(reverse("application-list")))


def test_a_page_of_thirty_days_takes_few_queries(old_pair, support):
    now = int(time.time())
    for row in old_pair:
        for ago in range(30):
            day = (now // DAY_S - ago) * DAY_S
            rows = figures(*((after, ANSWERING) for after in range(0, DAY_S, LONG_S)), step=LONG_S)
            moved = type(rows)(LONG_S, [day + each - rows.times[0] for each in rows.times], rows.columns)
            stored.row_of(SERVER, row.pk, day, moved).save()
    with CaptureQueriesContext(connection) as asked, CaptureQueriesContext(connections[ALIAS]) as of_log:
        body = body_of(support.get(at(old_pair[0], "pair-charts", range="30d")))
    assert len(asked) < 30
    assert len(of_log) == 4
    assert "<path" in body
    assert not Sample.objects.exists()
