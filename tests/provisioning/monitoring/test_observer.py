"""Parts of the console that do not answer, and pauses of automatic failover that last."""

from datetime import timedelta

import pytest
from django.utils import timezone

from protocol.events import Own
from provisioning.core.health import DOWN, OK, UNKNOWN, Component
from provisioning.models import Event, PairState
from provisioning.monitoring.rules.troubles import DOWN_S, Troubles
from provisioning.monitoring.services import observer
from provisioning.monitoring.services.observer import Observer, tell_of_long_pauses
from tests import factories

GONE = {"control": Component(DOWN, 3.0, "Control does not answer."), "redis": Component(OK)}
WELL = {"control": Component(OK), "redis": Component(OK)}


def test_what_is_down_for_long_is_told_and_so_is_that_all_is_well():
    troubles = Troubles(frozenset())
    assert troubles.look(WELL, 0) is None
    assert troubles.look(GONE, 1) is None
    down, number, text = troubles.look(GONE, 1 + DOWN_S)
    assert (down, number, text) == ({"control"}, Own.COMPONENT_DOWN, "Control does not answer.")
    troubles.told = down
    assert troubles.look(GONE, 50) is None
    assert troubles.look({**GONE, "control": Component(UNKNOWN)}, 60) is None
    assert troubles.look(WELL, 61)[1] == Own.COMPONENTS_BACK


def test_a_short_restart_is_none_and_more_that_is_down_is_told():
    troubles = Troubles(frozenset())
    for now, found in ((0, GONE), (5, WELL), (DOWN_S, GONE)):
        assert troubles.look(found, now) is None
    both = {**GONE, "redis": Component(DOWN, None, "Redis does not answer.")}
    assert troubles.look(both, DOWN_S + 1) is None
    assert troubles.look(both, 3 * DOWN_S)[2] == "Redis does not answer. Control does not answer."


def test_of_what_a_former_reader_told_the_end_is_told_once_all_is_well():
    troubles = Troubles(None)
    assert troubles.look(GONE, 0) is None
    assert troubles.look(WELL, 1)[1] == Own.COMPONENTS_BACK


@pytest.mark.django_db
def test_it_is_told_in_the_timeline(monkeypatch):
    monkeypatch.setattr(observer, "health", lambda: GONE)
    monkeypatch.setattr("provisioning.monitoring.rules.troubles.DOWN_S", 0.0)
    watching = Observer()
    for _ in range(2):
        watching.look()
    assert list(Event.objects.values_list("number", "level", "source")) == [(Own.COMPONENT_DOWN, "alarm", "console")]
    monkeypatch.setattr(observer, "health", lambda: WELL)
    Observer().look()
    assert Event.objects.first().number == Own.COMPONENTS_BACK


@pytest.mark.django_db
def test_a_pause_is_told_of_after_an_hour_once():
    primary, _ = factories.make_pair()
    PairState.objects.filter(primary=primary).update(
        automatic_failover=False, paused_by="ada", paused_reason="New disks.",
        paused_at=timezone.now() - timedelta(minutes=59))
    tell_of_long_pauses()
    assert not Event.objects.filter(number=Own.PAUSED_LONG).exists()
    PairState.objects.update(paused_at=timezone.now() - timedelta(minutes=61))
    tell_of_long_pauses()
    tell_of_long_pauses()
    [event] = Event.objects.filter(number=Own.PAUSED_LONG)
    assert (event.application, event.text) == (
        primary, "Automatic failover of MS_Primary has been paused for an hour, by ada: New disks.")
