"""The wall display: its address, who makes it, and what it shows to whom."""

import io
import logging
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from console.logs import WithoutTokens
from console.settings import LOGGING
from provisioning.core import ages
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.hosts.services.attempts import Attempts, TooMany
from provisioning.logs.selectors.reader import LOG_READER
from provisioning.models import AlarmCondition, ComponentHeartbeat, Console, HistoryEntry, RuntimeStatus
from provisioning.monitoring.rules.wall import overall
from provisioning.monitoring.selectors.wall import made_by
from provisioning.monitoring.services import wall
from tests import factories
from tests.html import flat
from tests.provisioning.pairs.pages import text_of
from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
DIALOG = "/monitoring/wall/"


@pytest.fixture(autouse=True)
def nobody_has_guessed(monkeypatch):
    monkeypatch.setattr(wall, "attempts", Attempts())


@pytest.fixture
def address():
    return reverse("wall", args=[wall.make_address(actor=factories.ADMINISTRATOR)])


def shown(address):
    """What a browser sees that has never signed in."""
    answer = Client().get(address)
    assert answer.status_code == 200
    return answer


@pytest.mark.parametrize(("control", "pairs", "alarms", "level", "sentence"), [
    (True, {}, {}, "ok", "All is well."),
    (True, {"broken": 1}, {}, "broken", "Nobody serves in 1 pair."),
    (True, {"broken": 2, "risk": 1}, {"critical": 1, "minor": 4}, "broken",
     "Nobody serves in 2 pairs; 1 critical alarm active; 1 pair at risk."),
    (True, {}, {"major": 3}, "risk", "3 major alarms active."),
    (True, {"moving": 1}, {"minor": 1}, "moving", "1 pair in progress."),
    (False, {"risk": 5}, {}, "risk", "Control does not answer, so what is shown may be old."),
    (False, {"risk": 5}, {"critical": 1}, "broken",
     "Control does not answer, so what is shown may be old; 1 critical alarm active."),
])
def test_one_sentence_says_how_everything_is(control, pairs, alarms, level, sentence):
    found = overall(control_answers=control, reader_answers=True, pairs=pairs, alarms=alarms)
    assert (found.level, found.sentence) == (level, sentence)


@pytest.mark.parametrize(("masked", "sentence"), [
    (1, "All is well. 1 alarm is masked by maintenance."), (12, "All is well. 12 alarms are masked by maintenance.")])
def test_what_a_maintenance_masks_is_said_where_all_is_well(masked, sentence):
    found = overall(control_answers=True, reader_answers=True, pairs={}, alarms={}, masked=masked)
    assert (found.level, found.sentence) == ("ok", sentence)
    found = overall(control_answers=True, reader_answers=True, pairs={"risk": 1}, alarms={}, masked=masked)
    assert found.sentence == "1 pair at risk."


def test_who_has_the_address_sees_what_is_wrong_without_signing_in(address, pair):
    for member in pair:
        RuntimeStatus.objects.filter(application=member).update(
            status="Stopped", mode="", reason="It was killed (signal 9).", served_until=timezone.now())
    factories.make_alarm(acknowledged_at=timezone.now(), acknowledged_by="otto")
    factories.make_alarm(condition=AlarmCondition.objects.get(predefined="gave-up"), application="MS_Worst")
    text = text_of(shown(address))
    assert text.index("Nobody serves in 1 pair; 1 critical alarm active") < text.index("Gave Up: MS_Worst")
    assert text.index("Gave Up: MS_Worst") < text.index("Failover Happened: MS_Primary")
    assert text.index("Failover Happened: MS_Primary") < text.index("Pairs in trouble")
    assert all(each in text for each in ("Active alarms: 2", "acknowledged,", "Pairs in trouble: 1", "Stopped 2"))


def test_without_a_log_reader_not_all_is_well(address, pair):
    ComponentHeartbeat.objects.create(name=LOG_READER, at=timezone.now() - 2 * ages.CONSOLE_PART)
    assert "The log reader does not answer, so no alarm is raised." in text_of(shown(address))


def test_while_all_is_well_it_says_so(address, pair):
    text = text_of(shown(address))
    assert "All is well." in text
    assert "masked" not in text
    assert "Pairs in trouble" not in text
    assert "Active alarms" not in text


def test_alarms_that_a_maintenance_masks_are_counted_and_not_named(address, pair):
    factories.make_alarm(masked=True)
    text = text_of(shown(address))
    assert "All is well. 1 alarm is masked by maintenance." in text
    assert "Failover Happened" not in text


def test_a_pair_that_is_not_set_up_yet_is_no_trouble(address):
    factories.make_pair(status="Stopped", record=False)
    factories.control_answers()
    assert "All is well." in text_of(shown(address))


def test_it_leads_nowhere_and_tells_no_browser_or_site_of_its_address(address):
    answer = shown(address)
    page = flat(answer)
    assert not re.search(r"<a |<form|<button|hx-|csrf", page)
    assert address.split("/")[-2] not in page
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert not answer.cookies
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_without_scripts_it_refreshes_itself(address):
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in flat(shown(address))


def test_no_other_page_is_reached_with_it(address):
    client = Client()
    client.get(address)
    for other in ("monitoring", "alarm-list", "alarm-strip", "wall-display", "troubles"):
        assert client.get(reverse(other))["Location"].startswith("/login/")
    assert client.get(f"{address}x/").status_code == 404


def test_nothing_is_changed_by_it(address):
    assert Client().post(address).status_code == 405


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "²", "x" * 2000])
def test_a_wrong_address_is_one_that_does_not_exist(address, token):
    answer = Client().get(f"{DIALOG}{token}/")
    assert answer.status_code == 404
    assert "The address is wrong, or what it showed was deleted." in text_of(answer)


def test_without_any_address_none_is_right():
    assert Client().get(f"{DIALOG}x/").status_code == 404
    with pytest.raises(NotFound):
        wall.admit(token="", origin="192.0.2.1")


def test_guesses_are_bounded_by_where_they_come_from_and_the_right_one_is_let_in(address):
    token = address.split("/")[-2]
    for _ in range(Attempts.LIMIT):
        with pytest.raises(NotFound):
            wall.admit(token="wrong", origin="192.0.2.1")
    with pytest.raises(TooMany):
        wall.admit(token="wrong", origin="192.0.2.1")
    with pytest.raises(NotFound):
        wall.admit(token="wrong", origin="192.0.2.2")
    wall.admit(token=token, origin="192.0.2.1")


def test_who_guesses_on_is_told_to_wait(address):
    answers = [Client().get(f"{DIALOG}x/") for _ in range(Attempts.LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [404] * Attempts.LIMIT + [429]
    assert "Wait a minute." in answers[-1].text


# --- who makes it


def test_an_administrator_makes_one_and_sees_it_once(administrator):
    assert "There is none now." in text_of(administrator.get(DIALOG, headers=script()))
    answer = administrator.post(DIALOG, {"verb": "make"}, headers=script())
    made = re.search(r"http://testserver(/monitoring/wall/[\w-]{43}/)", answer.text)[1]
    assert "no-store" in answer["Cache-Control"]
    assert shown(made)
    again = administrator.get(DIALOG, headers=script())
    assert "was made by" in text_of(again)
    token = made.split("/")[-2]
    stored = Console.objects.values().get()
    assert token not in again.text
    assert token not in str(stored)
    assert len(stored["wall_digest"]) == 64
    assert token not in str(list(HistoryEntry.objects.values()))
    assert HistoryEntry.objects.first().reason == "Made an address for the wall display."


def test_another_one_and_revoke_put_an_end_to_it(administrator, address):
    administrator.post(DIALOG, {"verb": "make"})
    assert Client().get(address).status_code == 404
    assert "The former one is good for nothing any more." in HistoryEntry.objects.first().reason
    other = reverse("wall", args=[wall.make_address(actor=factories.ADMINISTRATOR)])
    assert 'value="revoke"' in administrator.get(DIALOG, headers=script()).text
    answer = administrator.post(DIALOG, {"verb": "revoke"}, follow=True)
    assert "The address of the wall display was revoked." in text_of(answer)
    assert (Client().get(other).status_code, made_by()) == (404, None)
    assert "there is nothing to revoke" in text_of(administrator.post(DIALOG, {"verb": "revoke"}, follow=True))


def test_what_is_no_verb_changes_nothing(administrator, address):
    assert administrator.post(DIALOG, {"verb": "x"}).status_code == 200
    assert shown(address)


def test_others_do_not(operator):
    assert operator.get(DIALOG).status_code == 403
    button = re.search(r'<a [^>]*id="wall-display"[^>]*>', flat(operator.get(reverse("alarm-list"))))[0]
    assert "Your role does not let you make and revoke the address of the wall display." in button
    for verb in (wall.make_address, wall.revoke_address):
        with pytest.raises(NotAllowed):
            verb(actor=factories.OPERATOR)


def test_there_is_nothing_to_revoke_without_one():
    with pytest.raises(Refused):
        wall.revoke_address(actor=factories.ADMINISTRATOR)


# --- the log


def test_the_log_leaves_its_token_out():
    handler = logging.StreamHandler(written := io.StringIO())
    handler.addFilter(WithoutTokens())
    for text, args in (("Not Found: %s", ("/monitoring/wall/geheim/",)), ("GET /monitoring/wall/geheim?a=1 100%", ()),
                       ("nothing of it: %s", ("/monitoring/",))):
        handler.handle(logging.LogRecord("django.request", logging.WARNING, __file__, 1, text, args, None))
    assert written.getvalue().splitlines() == [
        "Not Found: /monitoring/wall/…/", "GET /monitoring/wall/… 100%", "nothing of it: /monitoring/"]


def test_what_the_console_writes_goes_through_that():
    assert "without tokens" in LOGGING["handlers"]["stderr"]["filters"]
    assert LOGGING["filters"]["without tokens"]["()"] == "console.logs.WithoutTokens"
