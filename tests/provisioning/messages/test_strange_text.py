"""What clients, hosts and strangers wrote is shown with what nobody would see in it written out."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from protocol.log_messages import LogRead
from provisioning.core.text import strange
from provisioning.models import ComponentHeartbeat, Event, HostRuntime, JobLine, SavedSearch
from tests import factories
from tests.provisioning.server_log.test_server_log_pages import FILE, page_of

from .conftest import connection, message

pytestmark = pytest.mark.django_db
TURNED = "inv\u202eoice\u2066\u200b\u00ad\ufeff"
SHOWN = "inv[U+202E]oice[U+2066][U+200B][U+00AD][U+FEFF]"


@pytest.mark.parametrize(("text", "shown"), [
    ("plain\ttext\n", "plain\ttext\n"), (TURNED, SHOWN), ("Grüße 名前 👍", "Grüße 名前 👍"),
    ("a\x1b[31m\x85", "a[U+001B][31m[U+0085]"),
    ("\U000e0041\U000e0141", "[U+E0041][U+E0141]"), ("a\u034fb", "a[U+034F]b"), (7, "7")])
def test_what_nobody_sees_is_written_out(text, shown):
    assert strange(text) == shown


def hides(text):
    return strange(text) != text


@pytest.fixture
def told(member):
    """A member whose clients write so."""
    body = TURNED.encode()
    one = message(7, destination=f"/topic/{TURNED}", headers=f"{TURNED}:{TURNED}\n", body=body)
    subscription = {"id": TURNED, "destination": f"/topic/{TURNED}", "ack": TURNED, "unacknowledged": 1, "behind": 5000,
                    "live": True}
    member.bodies[7] = body
    member.said |= {
        "messages": {"looked_to": 0, "last_seq": 7, "messages": [one]},
        "connections": {"total": 1, "connections": [
            connection(login=TURNED, peer=TURNED, subscriptions=[subscription], subscriptions_total=1)]},
        "destinations": {"destinations": [{"destination": f"/topic/{TURNED}", "first_seq": 1, "last_seq": 7,
                                           "last_time": 0}]},
        "positions": {"total": 1, "positions": [{
            "name": TURNED, "destination": f"/topic/{TURNED}", "selector": TURNED, "seq": 1, "open": 0,
            "used_by": TURNED}]}}
    return member


@pytest.mark.parametrize(("name", "more", "query"), [
    ("pair-messages", (), {}), ("pair-message", (7,), {}), ("pair-destinations", (), {}), ("pair-connections", (), {}),
    ("pair-positions", (), {}), ("pair-connection-cut", ("3-7",), {}),
    ("pair-position-move", (), {"position": TURNED}), ("pair-position-delete", (), {"position": TURNED})])
def test_no_page_of_messages_and_clients_hides_anything(pair, told, administrator, name, more, query):
    answer = administrator.get(reverse(name, args=[pair[0].pk, *more], query=query or None))
    assert answer.status_code == 200
    assert SHOWN in answer.text
    assert not hides(answer.text)


def test_the_dialogs_of_messages_and_clients_say_of_which_pair_they_are(pair, told, administrator):
    for name, more, list_page in (
            ("pair-message-publish", (), "pair-messages"), ("pair-position-move", (), "pair-positions"),
            ("pair-position-delete", (), "pair-positions"), ("pair-connection-cut", ("3-7",), "pair-connections")):
        page = administrator.get(reverse(name, args=[pair[0].pk, *more], query={"position": TURNED})).text
        crumbs = page.partition('class="breadcrumb-line"')[2].partition("</ol>")[0]
        assert reverse("pair-detail", args=[pair[0].pk]) in crumbs, name
        assert reverse(list_page, args=[pair[0].pk]) in crumbs, name


def test_what_hosts_say_of_jobs_hides_nothing(administrator):
    job = factories.make_job(factories.make_application("MS", host=factories.make_host("op1")), state="failed",
                             reason=TURNED, advice=TURNED)
    JobLine.objects.create(job=job, number=1, at=timezone.now(), text=TURNED)
    Event.objects.create(at=timezone.now(), host=job.host, source="host", text=TURNED)
    for name in ("console-worker", "report-reader"):
        ComponentHeartbeat.show(name)
    HostRuntime.objects.update(status="Disconnected", reason=TURNED)
    Event.objects.create(at=timezone.now(), application=job.application, text=TURNED)
    waits = factories.make_job(job.application, enqueued_at=timezone.now())
    of_application = [reverse("application-tab", args=[job.application_id, tab]) for tab in ("jobs", "log")]
    for address in (*(reverse("job-detail", args=[each.pk]) for each in (job, waits)), reverse("job-list"),
                    reverse("event-list"), reverse("host-detail", args=[job.host_id]), *of_application):
        page = administrator.get(address).text
        assert SHOWN in page, address
        assert not hides(page), address


@pytest.mark.usefixtures("no_control")
def test_alarms_and_saved_searches_hide_nothing(administrator):
    alarm = factories.make_alarm(text=TURNED)
    SavedSearch.objects.create(user=User.objects.get(), list="job-list", name=TURNED)
    for address in (reverse("alarm-list"), reverse("alarm-detail", args=[alarm.pk]), reverse("alarm-strip"),
                    reverse("alarm-acknowledge", args=[alarm.pk]), reverse("job-list")):
        page = administrator.get(address).text
        assert SHOWN in page, address
        assert not hides(page), address


@pytest.mark.parametrize("name", ["application-server-log", "application-server-log-lines"])
def test_the_log_of_a_server_hides_nothing(pair, control, administrator, name):
    control.log = lambda asked: LogRead(ok=True, page=page_of(TURNED), files=[FILE])
    body = administrator.get(reverse(name, args=[pair[0].pk])).text
    assert SHOWN in body
    assert not hides(body)
