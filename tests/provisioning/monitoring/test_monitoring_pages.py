"""Dashboard and events."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from console import checks
from provisioning.accounts.selectors.proxies import NOTE
from provisioning.accounts.services.forwarded import note_forwarded
from provisioning.core import ages
from provisioning.models import ComponentHeartbeat, Event
from provisioning.monitoring.selectors.monitoring import (
    application_counts,
    console_parts,
    heartbeat_status,
    host_counts,
)
from provisioning.record.models import ControlBeat
from provisioning.states import EventLevel, HostStatus
from tests import factories
from tests.html import flat

pytestmark = pytest.mark.django_db


def counts(found):
    return {count.status: count.number for count in found}


def test_applications_are_counted_by_the_status_that_the_list_shows():
    factories.make_application(status="Started")
    factories.make_application(status="Started")
    factories.make_application(status="Gave Up")
    factories.make_application()
    factories.make_application(installed=True)
    assert counts(application_counts()) == {"Started": 2, "Gave Up": 1, "Stopped": 1, "Unknown": 1}


def test_hosts_are_counted_by_status():
    factories.make_host()
    factories.make_host(status=HostStatus.DISCONNECTED)
    factories.make_host(status=None)
    assert counts(host_counts()) == {"Running": 1, "Disconnected": 1, "Unknown": 1}


@pytest.mark.parametrize(("age_s", "status"), [(0, "ok"), (8, "ok"), (9, "late"), (80, "late"), (81, "failed")])
def test_a_heartbeat_is_fresh_then_late_then_no_answer(age_s, status):
    now = timezone.now()
    assert heartbeat_status(now - timedelta(seconds=age_s), now) == status


def test_the_console_says_which_of_its_parts_does_not_answer(no_broker):
    ControlBeat.objects.create(name="control", at=timezone.now())
    assert {part.name: part.status for part in console_parts()} == {
        "web": "ok", "database": "ok", "redis": "failed", "control": "ok", "console-worker": "failed"}


def test_where_there_are_several_controls_the_one_that_stands_by_is_shown(no_broker, settings):
    settings.PAIRWISE_CONTROLS = (("a", 2020), ("b", 2020))
    assert {part.name: part.status for part in console_parts()}["control-standby"] == "failed"
    ControlBeat.objects.create(name="control-standby", at=timezone.now())
    assert {part.name: part.status for part in console_parts()}["control-standby"] == "ok"


def test_redis_that_answers_is_shown_so(broker):
    assert {part.name: part.status for part in console_parts()}["redis"] == "ok"


def test_the_dashboard_links_counts_to_the_filtered_lists_and_tells_what_happened(support, broker):
    host = factories.make_host("edge1")
    application = factories.make_application("MS_Primary", host=host, status="Service Unavailable")
    Event.objects.create(at=timezone.now(), number=5091, application=application, text="Planned stop of MS_Primary.")
    job = factories.make_job(application, state="running")
    text = support.get(reverse("monitoring")).text
    assert f'{reverse("application-list")}?status=Service%20Unavailable' in text
    assert f'{reverse("host-list")}?status=Running' in text
    assert reverse("job-detail", args=[job.pk]) in text
    assert "00-05091" in text
    assert "Planned stop of MS_Primary." in text


def test_an_empty_console_says_what_to_do_next(administrator, broker):
    text = administrator.get(reverse("monitoring")).text
    assert "Create the first one" in text
    assert "Nothing has happened yet." in text


def test_the_fragment_that_refreshes_the_dashboard_has_no_frame(administrator, broker):
    text = administrator.get(reverse("monitoring"), headers={"HX-Request": "true"}).text
    assert "<html" not in text
    assert 'id="live-list"' in text


@pytest.fixture
def timeline():
    one = factories.make_application("MS_Primary", host=factories.make_host("edge1"))
    now = timezone.now()
    Event.objects.create(at=now, number=5090, application=one, host=one.host, text="started")
    Event.objects.create(at=now, number=5091, application=one, host=one.host, text="planned stop")
    Event.objects.create(at=now, number=8002, host=one.host, level=EventLevel.ALARM, text="host is away")


@pytest.mark.parametrize(("query", "numbers"), [
    ("", [8002, 5091, 5090]), ("application=MS_Primary", [5091, 5090]), ("number=8002", [8002]),
    ("number=00-08002", [8002]), ("number=08002", [8002]), ("number=8002-00", [8002, 5091, 5090]),
    ("level=alarm", [8002]), ("text=STOP", [5091]), ("host=edge1&text=start", [5090]), ("number=x", [8002, 5091, 5090]),
])
def test_events_are_filtered_by_the_address(support, timeline, query, numbers):
    page = support.get(f"{reverse('event-list')}?{query}")
    assert [event.number for event in page.context["page"]] == numbers


def test_a_filter_that_matches_nothing_offers_the_way_back(support, timeline):
    text = flat(support.get(reverse("event-list") + "?text=nothing"))
    assert "Nothing matches this filter." in text
    assert "Show all 3" in text


def test_a_proxy_that_is_seen_and_not_named_is_said_on_the_dashboard_and_by_check(support, broker, settings):
    settings.PAIRWISE_TRUSTED_PROXIES = []
    assert checks.forwarded_by_nobody_we_know() == []
    note_forwarded("192.0.2.9")
    [found] = checks.forwarded_by_nobody_we_know()
    assert (found.id, "192.0.2.9" in found.msg) == ("pairwise.W011", True)
    assert "PAIRWISE_TRUSTED_PROXIES names no proxy" in support.get("/monitoring/").text
    ComponentHeartbeat.objects.filter(name=NOTE).update(at=timezone.now() - ages.PROXY)
    assert checks.forwarded_by_nobody_we_know() == []
    note_forwarded("192.0.2.9")
    settings.PAIRWISE_TRUSTED_PROXIES = ["192.0.2.9"]
    assert checks.forwarded_by_nobody_we_know() == []
    assert "names no proxy" not in support.get("/monitoring/").text
