"""What the timeline says when a status changes."""

from types import SimpleNamespace

import pytest

from control import narration
from control.narration import process_events, status_event
from control.status import Verdict
from protocol.events import ALARM, STANDARD, Own
from protocol.messages import ProcessChanged
from provisioning.states import ApplicationStatus as Status


@pytest.mark.parametrize(("status", "number", "level"), [
    (Status.GAVE_UP, Own.GAVE_UP, ALARM), (Status.STARTED, 5093, STANDARD), (Status.STOPPED, 0, STANDARD)])
def test_a_status_has_its_number_and_level(status, number, level):
    live = SimpleNamespace(verdict=Verdict(status, reason="So it is."), facts=SimpleNamespace(id=7))
    row = status_event(live, Verdict(Status.START_PENDING))
    assert (row.number, row.level, row.text) == (number, level, f"Start Pending → {status}: So it is.")


@pytest.mark.parametrize(("took", "text"), [
    (0.01, "Restarted by Auto-Restart at once (pid 4712, restart 1)."),
    (2.04, "Restarted by Auto-Restart after 2.0 s (pid 4712, restart 1).")])
def test_a_restart_says_after_how_long_it_came(monkeypatch, took, text):
    monkeypatch.setattr(narration.time, "monotonic", lambda: 100.0 + took)
    runs = ProcessChanged(application="MS", state="running", pid=4712, restarts=1)
    live = SimpleNamespace(process=runs, ended_at=100.0, facts=SimpleNamespace(id=7))
    [row] = process_events(live, ProcessChanged(application="MS", state="backoff", restarts=1), listed=True)
    assert row.text == text
