"""What a maintenance masks, and what follows from the loss of a host."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.alarms.rules.masks import TOGETHER, Concerned, Window, causes, is_masked
from provisioning.states import AlarmCategory

AT = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OF_A = Concerned(1, 5024, AlarmCategory.MAJOR, AT, (("MS_A", "alpha"),))
OF_PAIR = replace(OF_A, members=(("MS_A", "alpha"), ("MS_B", "beta")))
LOST = Concerned(9, 8000, AlarmCategory.MAJOR, AT, (("", "alpha"),))


def window(applications=(), hosts=(), begins_at=AT, ends_at=AT + HOUR):
    return Window(frozenset(applications), frozenset(hosts), begins_at, ends_at)


@pytest.mark.parametrize(("alarm", "windows", "masked"), [
    (OF_A, [], False), (OF_A, [window(["MS_A"])], True), (OF_A, [window(hosts=["alpha"])], True),
    (OF_A, [window(["MS_B"], ["beta"])], False), (LOST, [window(hosts=["alpha"])], True),
    (LOST, [window(["MS_A"])], False), (OF_PAIR, [window(hosts=["beta"])], True),
    (replace(OF_PAIR, category="critical"), [window(hosts=["beta"])], False),
    (replace(OF_PAIR, category="critical"), [window(hosts=["beta"]), window(["MS_A"])], True),
    (replace(OF_A, category="critical"), [window(["MS_A"])], True)])
def test_a_maintenance_masks_what_it_is_about(alarm, windows, masked):
    assert is_masked(alarm, windows, AT) == masked


@pytest.mark.parametrize(("at", "masked"), [(AT - HOUR, False), (AT, True), (AT + HOUR, False)])
def test_it_masks_from_its_beginning_to_its_end(at, masked):
    assert is_masked(OF_A, [window(["MS_A"])], at) == masked


@pytest.mark.parametrize(("alarm", "found"), [
    (OF_A, {1: 9}), (replace(OF_A, raised_at=AT - TOGETHER), {1: 9}), (replace(OF_A, raised_at=AT + 2 * TOGETHER), {}),
    (replace(OF_A, members=(("MS_B", "beta"),)), {}), (replace(OF_A, members=(("MS_B", "beta"), ("MS_A", "alpha"))),
                                                      {1: 9})])
def test_what_happens_to_an_application_follows_from_the_loss_of_its_host(alarm, found):
    assert causes([alarm, LOST]) == found


def test_of_another_alarm_about_a_host_nothing_follows():
    assert causes([OF_A, replace(LOST, number=8100)]) == {}
