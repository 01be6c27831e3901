"""What hangs is killed and started again: control by `up`, a server by its agent."""

import os
import signal

import pytest

from .applications import installed
from .harness import wait_for
from .pairs import measured, under_load

QUICK_S = 2.0


@pytest.mark.long
def test_a_control_that_hangs_is_replaced_and_fails_over_afterwards_as_ever(pair):
    first, second = pair.members
    run = pair.site.pairwise
    control = run.child("control")
    with under_load(pair) as ledger:
        fault = ledger.fault(lambda: os.kill(control, signal.SIGSTOP))
        wait_for(lambda: run.child("control") != control, 10, "another control", every=0.02)
        run.wait_said("Control has shown no sign of life for 5 s and is killed")
        # What pages show may be from before; the proof is asked of the new one.
        pair.wait_proven()
        pair.wait_whole()
        assert fault.outage() < QUICK_S
        fault = ledger.fault(first.kill)
        measured("after a control that hung", fault, below_s=QUICK_S)
        pair.wait_whole(by=second)


@pytest.mark.long
def test_a_server_that_hangs_is_started_again_after_its_heartbeat_period(pairwise):
    installed(pairwise, "HangsAlone", auto_restart=True, annex={"sml": {"heartbeat-period": "3"}})
    pairwise.manage("start", "HangsAlone", "--wait")
    hangs = pairwise.application("HangsAlone")["pid"]
    os.kill(hangs, signal.SIGSTOP)
    wait_for(lambda: pairwise.application("HangsAlone")["pid"] not in (0, hangs), 15, "another process")
    pairwise.wait_status("HangsAlone", "Started", 15)
    texts = pairwise.ask("events")["texts"]
    assert any("shown no sign of life" in text and "killed" in text for text in texts), texts
    pairwise.manage("stop", "HangsAlone", "--wait")
