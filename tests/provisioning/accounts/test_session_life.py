"""How long somebody stays signed in, what counts as use, and what scripts are told about it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from provisioning.accounts.views import session_life as life
from provisioning.accounts.views.one_sign_in import CHOOSE_FIRST, MUST_CHANGE
from tests import factories
from tests.provisioning.posted import script
from tests.provisioning.walk import no_change

pytestmark = pytest.mark.django_db
IDLE, LONGEST = timedelta(seconds=settings.SESSION_COOKIE_AGE), timedelta(seconds=settings.SESSION_LONGEST_S)
BACKGROUND = script() | {"X-Pairwise-Background": "1"}


@pytest.fixture
def ada():
    client = Client()
    client.force_login(factories.make_user("ada", roles=("Administrator",)))
    return client


def later(monkeypatch, after: timedelta):
    """The clock of the console stands ``after`` the present from now on."""
    then = timezone.now() + after
    monkeypatch.setattr(timezone, "now", lambda: then)


def ends() -> timedelta:
    return Session.objects.get().expire_date - timezone.now()


def is_about(span: timedelta, expected: timedelta) -> bool:
    return abs(span - expected) < timedelta(minutes=1)


def test_a_session_lasts_twelve_hours_after_its_last_use(ada, monkeypatch):
    assert is_about(ends(), IDLE)
    later(monkeypatch, IDLE - timedelta(hours=1))
    answer = ada.get("/account/")
    assert answer.status_code == 200
    assert is_about(ends(), IDLE)
    assert answer.cookies[settings.SESSION_COOKIE_NAME]["max-age"] > 11 * 3600
    later(monkeypatch, IDLE + timedelta(minutes=1))
    assert ada.get("/account/").status_code == 302


def test_it_ends_seven_days_after_the_sign_in_however_much_it_is_used(ada, monkeypatch):
    start, step = timezone.now(), IDLE - timedelta(hours=1)
    while timezone.now() - start + step < LONGEST:
        later(monkeypatch, step)
        assert ada.get("/account/").status_code == 200
    assert is_about(timezone.now() + ends() - start, LONGEST)
    assert ada.get("/account/session/").json()["may_stay"] is False
    later(monkeypatch, step)
    assert ada.get("/account/").status_code == 302


@pytest.mark.parametrize(("address", "headers"), [
    ("/operations/jobs/", BACKGROUND), ("/monitoring/troubles/", {}), ("/account/session/", {})])
def test_what_a_page_asks_by_itself_is_no_use(ada, monkeypatch, address, headers):
    later(monkeypatch, timedelta(hours=6))
    with no_change():
        assert ada.get(address, headers=headers).status_code == 200
    assert is_about(ends(), IDLE - timedelta(hours=6))


def test_not_every_use_writes_to_the_database(ada, monkeypatch):
    later(monkeypatch, life.EXACT_TO - timedelta(seconds=1))
    with no_change():
        ada.get("/account/")


def test_a_page_is_shown_while_the_end_of_its_session_cannot_be_written_down(ada, monkeypatch):
    def locked(*_args, **_more):
        raise UpdateError("database is locked")

    later(monkeypatch, timedelta(hours=6))
    with monkeypatch.context() as busy:
        busy.setattr(SessionStore, "save", locked)
        assert ada.get("/account/").status_code == 200
    assert is_about(ends(), IDLE - timedelta(hours=6))
    ada.get("/account/")
    assert is_about(ends(), IDLE)


def test_the_button_of_the_notice_keeps_the_session(ada, monkeypatch):
    later(monkeypatch, IDLE - timedelta(minutes=4))
    told = ada.get("/account/session/").json()
    assert (told["name"], told["left_s"] // 60, told["may_stay"]) == ("ada", 3, True)
    assert ada.post("/account/session/").json()["left_s"] > 11 * 3600
    assert is_about(ends(), IDLE)


def test_nobody_is_told_that_nobody_is_there(client):
    told = client.get("/account/session/").json()
    assert (told["name"], told["left_s"], told["may_stay"], len(told["token"])) == ("", 0, False, 64)


def test_a_script_is_told_that_another_password_has_to_be_chosen_first(ada):
    assert ada.get("/account/session/").json()["choose_first"] == ""
    session = ada.session
    session[MUST_CHANGE] = True
    session.save()
    assert ada.get("/account/session/").json()["choose_first"] == CHOOSE_FIRST


def test_a_session_of_an_older_console_gets_its_times(ada):
    session = ada.session
    del session[life.BEGUN]
    session.save()
    assert ada.get("/account/").status_code == 200
    assert life.BEGUN in ada.session
