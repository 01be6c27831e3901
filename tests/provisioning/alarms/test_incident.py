"""What happened is told in a few sentences, from texts as control writes them."""

from datetime import UTC, datetime, timedelta

import pytest

from control.decide import Decision, decide
from control.narration import decision_events
from control.snapshot import Member, Record, Snapshot, State
from control.transitions import TABLE
from protocol.events import Own
from provisioning.alarms.predefined import PREDEFINED
from provisioning.alarms.rules.advice import ADVICE
from provisioning.alarms.rules.incident import ENDED, SENTENCES_MOST, Said, incident

AT = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
KILLED = "The process ended unexpectedly: killed by signal 9 (SIGKILL). Auto-Restart starts it again."
WHY_LOST = "The process runs (pid 7) but its connection to control is lost."
LOST = f"Started (Primary) → Unknown: {WHY_LOST}"
MEMBERS = {"active": "MS_P", "standby": "MS_B"}
ATTESTED = next(row.reason for row in TABLE if "as its agent attests" in row.reason).format(**MEMBERS)
[(_, TAKES_OVER)] = decision_events(Record(epoch=1, active="MS_P"), Decision(
    State.GRANTED, Record(epoch=2, active="MS_B"), (), ATTESTED))
IN_SYNC = decide(Snapshot(Record(version=2, epoch=2, active="MS_B"), (
    Member(name="MS_P"), Member(name="MS_B", connected=True, state="started", role="primary", epoch=2, wish="synced",
                                wish_version=2)))).sync_reason


def said(seconds, number, name="MS_P", text=""):
    return Said(number, AT + timedelta(seconds=seconds), name, text)


def test_a_failover_is_told_from_the_end_of_the_process_until_it_is_in_sync_again():
    events = [
        said(-5, Own.ROLE_CHANGED, text="MS_P is the active server in epoch 1: as asked."),
        said(0, ENDED, text=KILLED), said(0.3, Own.ROLE_CHANGED, text=TAKES_OVER),
        said(0.3, Own.ROLE_CHANGED, "MS_B", TAKES_OVER), said(0.31, 5022, text="Restarted by Auto-Restart after 0.3 s"),
        said(0.7, 5093, text="Initializing → Started (Backup): Stands by in epoch 2."),
        said(0.9, Own.IN_SYNC, text=IN_SYNC), said(0.9, Own.IN_SYNC, "MS_B", IN_SYNC),
        said(60, Own.ROLE_CHANGED, text="MS_P is the active server in epoch 3: as asked.")]
    assert incident(events, AT + timedelta(seconds=0.3)) == (
        "MS_P ended: killed by signal 9 (SIGKILL). MS_B took over after 0.3 s. "
        "MS_P came back and was in sync after 0.9 s.")


@pytest.mark.parametrize(("events", "told"), [
    ([], ""),
    ([said(0, 4504)], ""),
    ([said(0, ENDED, "MS", KILLED), said(2, ENDED, "MS", KILLED), said(4, Own.GAVE_UP, "MS")],
     "MS ended: killed by signal 9 (SIGKILL). Auto-Restart gave up on MS after 4.0 s. MS ended 2 times in all."),
    ([said(0, ENDED, "MS", KILLED), said(2.5, 5093, "MS", "Initializing → Started (Primary): Serves in epoch 2.")],
     "MS ended: killed by signal 9 (SIGKILL). MS was Started again after 2.5 s."),
    ([said(0, 8000, "alpha", "Host alpha is Disconnected: its agent is silent."), said(1, 8001, "alpha")],
     "Host alpha was lost. Host alpha came back after 1.0 s."),
    ([said(0, Own.OUT_OF_SYNC, text="MS_P goes on alone: MS_B does not confirm."),
      said(3, Own.IN_SYNC, text="MS_B has everything that MS_P acknowledged: it is in sync.")],
     "MS_P went on alone: MS_B does not confirm. MS_B was in sync after 3.0 s."),
    ([said(0, 5094, text="Started (Primary) → Service Unavailable (Primary): The disk is full."),
      said(2, Own.ROLE_CHANGED, text=TAKES_OVER)],
     "MS_P could not serve: The disk is full. MS_B took over after 2.0 s."),
    ([said(0, ENDED, text=KILLED), said(0.008, Own.ROLE_CHANGED, text=TAKES_OVER)],
     "MS_P ended: killed by signal 9 (SIGKILL). MS_B took over after 8 ms."),
    ([said(0, ENDED, text=KILLED), said(0, Own.ROLE_CHANGED, text=TAKES_OVER)],
     "MS_P ended: killed by signal 9 (SIGKILL). MS_B took over at once."),
    ([said(0, ENDED, text=KILLED), said(5, Own.NOBODY_SERVES),
      said(9, Own.SERVES_AGAIN, text="MS_P serves after 9.0 s without anybody.")],
     "MS_P ended: killed by signal 9 (SIGKILL). Nobody served then. MS_P served again after 9.0 s."),
    ([said(0, Own.NOBODY_SERVES), said(0, Own.NOBODY_SERVES, "MS_B"), said(2.6, ENDED, text=KILLED)],
     "Nobody served any more. MS_P ended after 2.6 s: killed by signal 9 (SIGKILL)."),
    ([said(-5, 5160), said(-4, 5095, text=LOST), said(-4, 5095, "MS_B", LOST), said(0, Own.NOBODY_SERVES),
      said(0, Own.NOBODY_SERVES, "MS_B"), said(2, ENDED, text=KILLED)],
     f"MS_P hung. MS_P became Unknown after 1.0 s: {WHY_LOST} MS_B became Unknown after 1.0 s: {WHY_LOST} "
     "Nobody served then. MS_P ended after 7.0 s: killed by signal 9 (SIGKILL)."),
    ([said(0, 10327), said(0, 10327, "MS_B")], "The active server changed too often."),
    ([said(-1, 5093), said(1, Own.IN_SYNC, text=IN_SYNC)], ""),
    ([said(-9, 5095), said(-9, 5095, "MS_B"),
      said(-8, 5093, text="Initializing → Started (Primary): Serves in epoch 1."),
      said(-7, Own.IN_SYNC, text=IN_SYNC), said(-7, Own.IN_SYNC, text="MS_B has everything that MS_P acknowledged."),
      said(-4, Own.ROLE_CHANGED, text="MS_P is the active server in epoch 1: as asked."), said(0, ENDED, text=KILLED),
      said(0, Own.ROLE_CHANGED, text=TAKES_OVER)],
     "MS_P ended: killed by signal 9 (SIGKILL). MS_B took over at once."),
    ([said(-9, ENDED, text=KILLED), said(-8, 5093, text="Initializing → Started (Primary): Serves in epoch 1."),
      said(-7, Own.IN_SYNC, text=IN_SYNC)],
     "MS_P ended: killed by signal 9 (SIGKILL). MS_P was Started again after 1.0 s. "
     "MS_P was in sync after 2.0 s."),
    ([said(-1, Own.SERVES_AGAIN), said(1, ENDED, text=KILLED)], "MS_P ended: killed by signal 9 (SIGKILL).")])
def test_what_is_told(events, told):
    assert incident(events, AT) == told


def test_many_are_cut():
    events = [said(number, ENDED, f"MS_{number}", KILLED) for number in range(SENTENCES_MOST + 2)]
    assert incident(events, AT).endswith("MS_7 ended after 7.0 s: killed by signal 9 (SIGKILL). "
                                         "2 more things happened, as listed below.")


def test_every_predefined_condition_says_what_to_do():
    assert ADVICE.keys() == PREDEFINED.keys()
