"""What the timeline says when a status changes."""

from types import SimpleNamespace

import pytest

from control.narration import status_event
from control.status import Verdict
from protocol.events import ALARM, STANDARD, Own
from provisioning.states import ApplicationStatus as Status


@pytest.mark.parametrize(("status", "number", "level"), [
    (Status.GAVE_UP, Own.GAVE_UP, ALARM), (Status.STARTED, 5093, STANDARD), (Status.STOPPED, 0, STANDARD)])
def test_a_status_has_its_number_and_level(status, number, level):
    live = SimpleNamespace(verdict=Verdict(status, reason="So it is."), facts=SimpleNamespace(id=7))
    row = status_event(live, Verdict(Status.START_PENDING))
    assert (row.number, row.level, row.text) == (number, level, f"Start Pending → {status}: So it is.")
