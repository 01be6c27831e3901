"""The pure table of what to do about a process: every state, every event, no clock and no process."""

import signal
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostagent.supervision import (
    RULES,
    STORE_EXIT,
    Adopted,
    Confirmed,
    ControlBack,
    Due,
    Ended,
    Found,
    Hung,
    Launch,
    Policy,
    Revived,
    Send,
    Spawned,
    Start,
    Status,
    Stop,
    decide,
    restart_delay,
)
from messageserver.exits import ExitCode
from protocol.messages import PROCESS_STATES

AUTO = Policy(auto_restart=True, limit=3)
EVENTS = [Start(), Start(operator=False), Stop(5), Stop(5, graceful=True, suspending_wait_timeout=2), Spawned(10, 99),
          Adopted(10, 99), Found(11, 98), Ended(3), Ended(-1, 9), Ended(reason="It cannot be started."), Confirmed(),
          Ended(reason="No space left on device", no_room=True),
          Ended(STORE_EXIT, no_store=True),
          ControlBack(), Due(), Hung(10, restart=True), Hung(10, restart=False), Revived()]


def play(events, *, policy=AUTO, status=None, now=100.0):
    """Status and actions after ``events``; a (seconds, event) pair lets time pass first."""
    status, actions = status or Status(), []
    for event in events:
        if isinstance(event, tuple):
            now, event = now + event[0], event[1]
        decision = decide(status, event, now, policy)
        status = decision.status
        actions += decision.actions
    return status, actions


def running(**changes):
    return replace(play([Start(), Spawned(10, 99), Confirmed()])[0], **changes)


@pytest.mark.parametrize(("state", "event"), RULES)
def test_every_rule_leads_to_a_state_it_names(state, event):
    rule = RULES[state, event]
    assert set(rule.to) <= set(PROCESS_STATES)
    status = Status(state=state, pid=10, started=99, ladder=((signal.SIGKILL, 0.0),), reason="It was so before.")
    for example in [each for each in EVENTS if type(each) is event]:
        for confirmed in (True, False):
            for policy in (AUTO, Policy(), Policy(auto_restart=True, limit=0)):
                decision = decide(replace(status, confirmed=confirmed), example, 1000.0, policy)
                assert decision.status.state in rule.to
                assert decision.status == status or decision.status.reason or decision.refused


@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from(EVENTS)), max_size=40))
def test_no_sequence_of_events_launches_a_second_process_or_restarts_after_a_planned_stop(steps):
    status, now, exists, stopped = Status(), 100.0, False, True
    for passed, event in steps:
        now += passed
        # What the world can do: a process appears after a launch, ends once, and a timer fires when it is due.
        if isinstance(event, (Spawned, Adopted, Found)) and (exists or status.state == "running"):
            continue
        if isinstance(event, Ended) and status.state not in ("starting", "running", "stopping"):
            continue
        if isinstance(event, Due) and not (status.due and now >= status.due):
            continue
        decision = decide(status, event, now, AUTO)
        launched = any(isinstance(action, Launch) for action in decision.actions)
        if launched:
            assert not exists
            assert not stopped or isinstance(event, Start)
        if isinstance(event, Start) and not decision.refused:
            stopped = False
        if isinstance(event, Stop) and decision.status.planned:
            stopped = True
        exists = decision.status.state in ("running", "stopping") and decision.status.pid != 0
        if isinstance(event, (Adopted, Found)) and exists:
            stopped = False
        status = decision.status
        assert (status.due > 0) == (status.state == "backoff") or status.state == "stopping"


def test_the_first_restart_comes_at_once_then_the_delay_doubles_up_to_a_minute():
    assert [restart_delay(n, Policy()) for n in range(1, 11)] == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_failed_server_waits_and_is_launched_when_due():
    status, actions = play([Ended(-1, signal.SIGKILL)], status=running())
    assert (status.state, status.restarts, status.signal, status.due) == ("backoff", 1, signal.SIGKILL, 100.0)
    assert "SIGKILL" in status.reason
    status, actions = play([Due()], status=status)
    assert (status.state, actions, status.confirmed) == ("starting", [Launch()], True)


def test_after_the_limit_it_gives_up_until_somebody_starts_it():
    status = running()
    for _ in range(AUTO.limit):
        status, _ = play([Ended(1), Due(), Spawned(10, 99)], status=status)
    status, actions = play([Ended(1)], status=status)
    assert (status.state, actions) == ("gave_up", [])
    assert "correct the cause" in status.reason
    assert play([Due(), ControlBack(), Confirmed()], status=status)[1] == []
    assert play([Start()], status=status)[1] == [Launch()]


def test_without_control_nothing_is_given_up_and_control_back_starts_it_at_once():
    limit = 10
    alone, together = replace(AUTO, limit=limit, control=False), replace(AUTO, limit=limit)
    status = running()
    for _ in range(5 * limit):
        status, _ = play([Ended(3), Due(), Spawned(10, 99)], status=status, policy=alone)
        assert status.due - 100 <= restart_delay(limit // 2, alone)
    status, _ = play([Ended(3)], status=status, policy=alone)
    assert (status.state, "Control cannot be reached" in status.reason) == ("backoff", True)
    status, actions = play([ControlBack()], status=status, policy=together)
    assert (status.state, actions) == ("starting", [Launch()])
    for _ in range(limit // 2):
        status, _ = play([Spawned(10, 99), Ended(1), Due()], status=status, policy=together)
    assert play([Spawned(10, 99), Ended(1)], status=status, policy=together)[0].state == "gave_up"


def test_want_of_room_is_waited_for_and_never_given_up():
    no_room = Ended(reason="No space left on device", no_room=True)
    status, _ = play([Ended(1)], status=running())
    for _ in range(5 * AUTO.limit):
        status, actions = play([(AUTO.no_room_s, Due()), no_room], status=status)
        assert (status.state, status.restarts, actions) == ("backoff", 1, [Launch()])
        assert status.due <= 100 + 2 * AUTO.no_room_s
    assert "The disk is full" in status.reason
    assert play([Due(), Spawned(10, 99)], status=status)[0].state == "running"


def test_a_store_that_cannot_be_opened_is_tried_on_with_the_longest_pause_and_never_given_up():
    no_store = Ended(STORE_EXIT, no_store=True)
    status, _ = play([Ended(-1, 9)], status=running())
    for _ in range(5 * AUTO.limit):
        status, actions = play([(AUTO.longest_delay_s, Due()), Spawned(10, 99), no_store], status=status)
        assert (status.state, status.restarts, actions) == ("backoff", 1, [Launch()])
        assert status.due == 100 + 2 * AUTO.longest_delay_s
    assert "it ended with exit code 7. Its stored messages cannot be opened" in status.reason
    assert play([Due(), Spawned(10, 99)], status=status)[0].state == "running"


def test_a_message_server_and_its_agent_mean_the_same_exit_code():
    assert STORE_EXIT == ExitCode.STORE


def test_a_failure_on_a_full_disk_is_first_answered_as_any_other():
    status, _ = play([Ended(-1, 9, no_room=True)], status=running())
    assert (status.state, status.due, status.restarts) == ("backoff", 100.0, 1)


@pytest.mark.parametrize(("auto_restart", "hangup_restart", "words"), [
    (False, True, "Auto-Restart is off"), (True, False, "hangup-restart is off"),
    (False, False, "hangup-restart is off")])
def test_a_server_that_hangs_is_left_alone_where_somebody_wants_it_so(auto_restart, hangup_restart, words):
    status, actions = play([Hung(10, restart=hangup_restart)], status=running(), policy=Policy(auto_restart))
    assert (status.state, actions) == ("running", [])
    assert words in status.reason
    assert "does so again" in play([Revived()], status=status)[0].reason


def test_a_server_that_hangs_is_killed_and_started_again():
    status, actions = play([Hung(10, restart=True), Ended(-1, 9), Due()], status=running())
    assert (status.state, actions) == ("starting", [Send(signal.SIGKILL), Launch()])


def test_staying_up_makes_the_count_start_anew():
    status = running(restarts=AUTO.limit)
    assert play([(AUTO.stable_s - 1, Ended(1))], status=status)[0].state == "gave_up"
    assert play([(AUTO.stable_s, Ended(1))], status=status)[0].restarts == 1


def test_a_server_that_ends_before_it_was_started_once_is_a_failed_start():
    status, _ = play([Start(), Spawned(10, 99), Ended(3)])
    assert (status.state, status.exit_code) == ("exited", 3)
    assert "The start failed" in status.reason


def test_a_restart_by_the_agent_itself_may_fail_and_is_tried_again():
    assert play([Start(operator=False), Spawned(10, 99), Ended(3)])[0].state == "backoff"


def test_without_auto_restart_it_stays_down():
    status, _ = play([Ended(1)], status=running(), policy=Policy())
    assert (status.state, status.planned) == ("exited", False)


def test_a_plain_stop_climbs_from_sigterm_to_sigkill():
    status, actions = play([Stop(5)], status=running())
    assert (status.state, actions, status.due) == ("stopping", [Send(signal.SIGTERM)], 105.0)
    status, actions = play([(5, Due())], status=status)
    assert (actions, status.due) == ([Send(signal.SIGKILL)], 0.0)
    status, _ = play([Ended(-1, signal.SIGKILL)], status=status)
    assert (status.state, status.planned) == ("exited", True)
    assert "Shutdown Timeout" in status.reason


def test_a_graceful_stop_climbs_from_sigusr1():
    status, actions = play([Stop(5, graceful=True, suspending_wait_timeout=2)], status=running())
    assert actions == [Send(signal.SIGUSR1)]
    _, actions = play([(3, Due()), (5, Due())], status=status)
    assert actions == [Send(signal.SIGTERM), Send(signal.SIGKILL)]


def test_a_plain_stop_overtakes_a_graceful_one():
    status, _ = play([Stop(5, graceful=True, suspending_wait_timeout=60)], status=running())
    assert play([Stop(5)], status=status)[1] == [Send(signal.SIGTERM)]
    status, _ = play([Stop(5)], status=status)
    assert play([Stop(5)], status=status)[1] == []


def test_a_stop_during_the_start_is_carried_out_as_soon_as_there_is_a_process():
    status, actions = play([Start(), Stop(5)])
    assert (status.state, actions) == ("stopping", [Launch()])
    status, actions = play([Spawned(10, 99)], status=status)
    assert (status.state, actions) == ("stopping", [Send(signal.SIGTERM)])


def test_a_stop_cancels_a_restart_that_waits():
    status, _ = play([Ended(1), Stop(5)], status=running())
    assert (status.state, status.planned, status.due) == ("exited", True, 0.0)
    assert play([Due()], status=status)[1] == []


@pytest.mark.parametrize(("status", "sentence"), [
    (running(), "already running (pid 10)"), (running(by_hand=True), "already running (pid 10, started by hand)"),
    (running(state="stopping"), "still stopping (pid 10)"), (running(state="starting", pid=0), "it is being started")])
def test_a_start_is_refused_while_there_is_a_process(status, sentence):
    decision = decide(status, Start(), 0.0, AUTO)
    assert sentence in decision.refused
    assert decision.status == status
    assert decision.actions == ()


def test_a_server_started_by_hand_is_watched_but_not_restarted():
    status, _ = play([Found(11, 98), Ended()])
    assert (status.state, status.by_hand, status.planned) == ("exited", True, False)


def test_a_found_server_ends_a_wait_for_a_restart():
    status, actions = play([Ended(1), Found(11, 98)], status=running())
    assert (status.state, status.pid, status.due, actions) == ("running", 11, 0.0, [])
