"""The dashboard begins with what is wrong, offers what is done about it, and is where Operators land."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from provisioning.models import RuntimeStatus
from tests import factories
from tests.html import flat
from tests.provisioning.pairs.pages import text_of
from tests.provisioning.posted import LIST, script

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_control", "no_broker")]
DASHBOARD = "/monitoring/"


def end(*members, **fields):
    for member in members:
        RuntimeStatus.objects.filter(application=member).update(
            **{"status": "Stopped", "mode": "", "served_until": timezone.now(), **fields})


def form_of(page):
    """The form that starts members of a pair, "" when there is none."""
    found = re.search(r'<form [^>]*action="/provisioning/environment/applications/action/".*?</form>', page)
    return found[0] if found else ""


def test_a_pair_in_which_nobody_serves_comes_first_with_what_ended_it_and_the_button(operator, pair):
    primary, backup = pair
    factories.make_pair(names=("A_Primary", "A_Backup"))
    factories.make_pair(status="Stopped", record=False, names=("B_Primary", "B_Backup"))
    end(*pair, reason="It was killed (signal 9) at 22:43:06.")
    page = flat(operator.get(DASHBOARD))
    rows = re.findall(r'<a id="pair-\d+"[^>]*>([\w ⇄]+)</a>', page)
    assert rows == ["MS_Primary ⇄ MS_Backup", "A_Primary ⇄ A_Backup", "B_Primary ⇄ B_Backup"]
    text = text_of(operator.get(DASHBOARD))
    assert "Nobody serves: MS_Primary is Stopped and MS_Backup is Stopped." in text
    assert "MS_Backup: It was killed (signal 9) at 22:43:06." in text
    form = form_of(page)
    assert "Start both" in form
    assert re.findall(r'name="ids" value="(\d+)"', form) == [str(primary.pk), str(backup.pk)]
    assert page.count(f'id="start-pair-{primary.pk}"') == page.count("start-pair-") == 1


def test_one_that_is_stopped_alone_is_started_alone(operator):
    primary = factories.make_pair(in_sync=False)[0]
    end(primary)
    form = form_of(flat(operator.get(DASHBOARD)))
    assert "Start MS_Primary" in form
    assert re.findall(r'name="ids" value="(\d+)"', form) == [str(primary.pk)]


def test_what_starts_already_or_serves_is_not_offered(operator, pair):
    assert form_of(flat(operator.get(DASHBOARD))) == ""
    end(*pair)
    factories.make_job(pair[0], state="running")
    assert re.findall(r'name="ids" value="(\d+)"', form_of(flat(operator.get(DASHBOARD)))) == [str(pair[1].pk)]


def test_a_role_that_may_not_start_finds_it_off(support, pair):
    end(*pair)
    button = re.search(r'<button [^>]*id="start-pair-[^>]*>', flat(support.get(DASHBOARD)))[0]
    assert "Your role does not let you start, stop and switch over applications." in button


def test_alarms_stay_above_the_pairs(operator, pair):
    end(*pair)
    factories.make_alarm()
    page = operator.get(DASHBOARD).text
    assert page.index("dash-alarms") < page.index("dash-pairs") < page.index("dash-applications")


def test_what_has_nothing_to_say_leaves_its_room_to_others(operator, pair):
    assert "dash-jobs" not in operator.get(DASHBOARD).text
    factories.make_job(pair[0], state="running")
    assert "dash-jobs" in operator.get(DASHBOARD).text


# --- where people land


@pytest.mark.parametrize(("roles", "lands"), [
    (("Operator",), DASHBOARD), (("Administrator",), LIST), (("Support",), LIST), ((), LIST),
    (("Operator", "Support"), DASHBOARD), (("Administrator", "Operator"), LIST)])
def test_operators_land_on_the_dashboard_and_others_on_applications(client, roles, lands):
    user = factories.make_user("olga", roles=roles, password="a long password")
    client.force_login(user)
    assert client.get("/")["Location"] == lands
    client.logout()
    answer = client.post(reverse("login"), {"username": "olga", "password": "a long password"}, follow=True)
    assert answer.redirect_chain[-1][0] == lands


def test_who_asked_for_a_page_gets_that_one(client):
    factories.make_user("olga", roles=("Operator",), password="a long password")
    address = f"{reverse('login')}?next=/operations/jobs/"
    answer = client.post(address, {"username": "olga", "password": "a long password", "next": "/operations/jobs/"})
    assert answer["Location"] == "/operations/jobs/"


def test_a_start_from_the_dashboard_stays_there(operator, pair):
    end(*pair)
    answer = operator.post(reverse("application-action"), {
        "verb": "start", "stay": "1", "ids": [row.pk for row in pair]}, headers=script())
    assert "HX-Redirect" not in answer
