"""Restored Database in a browser: what a person sees while a pair is in dispute, and the way through it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import expect

from protocol.messages import PairAnswer
from provisioning.core import ages
from provisioning.models import PairState
from provisioning.record.models import ControlBeat
from provisioning.states import Role
from tests.factories import make_pair
from tests.provisioning.conftest import control
from tests.provisioning.pairs.test_restored import AWAY, NOTHING_LOST
from tests.scenarios.harness import PASSWORD

from .conftest import LOOKS, QUICK_LOOK, Tab
from .test_pages import PHONE, check

__all__ = ["control"]
REASON = ("An older control database was put back: MS_Primary has seen version 1204 of the pair's record and epoch 12, "
          "it knows only version 2 and epoch 1. Nothing is decided until the newer one is there again, or an "
          "administrator says under Restored Database which server goes on.")


@pytest.fixture(scope="session", autouse=True)
def database_beside_the_browser():
    """Playwright has a loop in the thread of the tests, in which Django would refuse its database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def disputed(control, transactional_db, live_server, monkeypatch):
    """(the console's address, the pair's primary), with a control that tells what both servers have."""
    admin = User.objects.create_user("admin", password=PASSWORD)
    admin.groups.add(Group.objects.get_or_create(name=str(Role.ADMINISTRATOR))[0])
    monkeypatch.setattr(ages, "CONTROL", timedelta(hours=1))
    ControlBeat.objects.create(name="control", at=timezone.now(), facts={"doubted": 2})
    primary, _ = make_pair(in_sync=False)
    PairState.objects.update(disputed=True, reason=REASON)
    found = {**NOTHING_LOST.facts, "reason": REASON}
    control.answers |= {"record": PairAnswer(ok=True, facts=found), "restored": PairAnswer(
        ok=True, reason="admin said that MS_Backup goes on after an older database was put back.",
        facts={"active": "MS_Backup"}), "probe": PairAnswer(ok=False, reason="Nobody serves.")}
    return live_server.url, primary


@pytest.fixture
def tab(chromium, disputed, request):
    opened = Tab(chromium, disputed[0], **LOOKS[getattr(request, "param", "light")])
    yield opened
    opened.close()


@pytest.mark.long
@pytest.mark.parametrize(("tab", "look"), [
    pytest.param(look, look, marks=[] if look == QUICK_LOOK else pytest.mark.long) for look in LOOKS], indirect=["tab"])
def test_the_pages_are_accessible_and_fit(tab, look, disputed, control, accessible):
    page, (_, primary) = tab.sign_in(), disputed
    addresses = {"restored": f"/monitoring/pairs/{primary.pk}/restored/", "restored-list": "/monitoring/restored/",
                 "pair-disputed": f"/monitoring/pairs/{primary.pk}/"}
    for name, address in addresses.items():
        page.goto(address)
        check(page, look, name, accessible)
    if look == "narrow":
        page.set_viewport_size(PHONE)
        for name, address in addresses.items():
            page.goto(address)
            check(page, "phone", name, accessible)
    control.answers["record"] = PairAnswer(ok=True, facts={**AWAY.facts, "reason": REASON})
    page.goto(addresses["restored"])
    check(page, look, "restored-away", accessible)


def test_from_the_banner_of_any_page_to_the_member_that_goes_on(tab, disputed, control):
    page = tab.sign_in()
    page.goto("/operations/history/")
    page.get_by_role("link", name="Restored Database of MS_Primary").click()
    card = page.get_by_role("region", name="MS_Backup")
    card.get_by_label("Type its name").fill("MS_Bakup")
    card.get_by_role("button", name="Let MS_Backup go on").click()
    expect(card.get_by_text("Nothing was changed.")).to_be_visible()
    card.get_by_label("Type its name").fill("MS_Primary")
    card.get_by_role("button", name="Let MS_Backup go on").click()
    expect(page.get_by_text("admin said that MS_Backup goes on")).to_be_visible()
    assert [(each.verb, each.target) for each in control.requests if each.verb == "restored"] == [
        ("restored", "MS_Backup")]
