"""The status word for everything that an agent and a server can say."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from control.facts import StatusRow
from control.narration import served_until
from control.status import LOST_GRACE_S, REPLACED, Seen, Verdict, remembered, verdict
from protocol.messages import PROCESS_STATES, SERVER_STATES, ProcessChanged, Report
from provisioning.states import ApplicationStatus as Status

AGENT = Seen(host="alpha", agent_connected=True, agent_listed=True)
NO_AGENT = Seen(host="alpha")
STARTED = Verdict(Status.STARTED, "Primary", "Serves in epoch 3.", 7)


def process(state: str, **values) -> ProcessChanged:
    return ProcessChanged(application="MS", state=state, **{"pid": 7, **values})


def connected(state: str = "", seen: Seen = AGENT, **report) -> Seen:
    said = Report(state=state, **report) if state else None
    return replace(seen, connected=True, server_pid=7, report=said, process=process("running"))


CASES = [
    ("registered, no report", connected(), Status.INITIALIZING, "", "has not reported yet"),
    ("initializing", connected("initializing"), Status.INITIALIZING, "", "opens its store"),
    ("ready", replace(connected("ready"), role_reason="Waits for B."), Status.INITIALIZING, "", "Waits for B."),
    ("primary", connected("started", role="primary", epoch=3), Status.STARTED, "Primary", "Serves in epoch 3"),
    ("backup", connected("started", role="backup", epoch=3), Status.STARTED, "Backup", "Stands by in epoch 3"),
    ("disk full", connected("service_unavailable", role="primary", reason="The disk is full."),
     Status.SERVICE_UNAVAILABLE, "Primary", "The disk is full."),
    ("suspending", connected("suspending"), Status.SUSPENDING, "Exiting", "finishes"),
    ("suspended", connected("suspended"), Status.SUSPENDED, "Exiting", "may end"),
    ("stopping", connected("stopping"), Status.STOP_PENDING, "Exiting", "ends"),
    ("agent stops it", replace(connected("started", role="primary"), process=process("stopping")),
     Status.STOP_PENDING, "Exiting", "asked to stop"),
    ("agent stops it gracefully", replace(connected("suspending"), process=process("stopping")),
     Status.SUSPENDING, "Exiting", ""),
    ("disabled", replace(connected("started", role="primary"), enabled=False), Status.STARTED, "Primary", "disabled"),
    ("being launched", replace(AGENT, process=process("starting", pid=0)), Status.INITIALIZING, "",
     "starts the process"),
    ("runs, not connected", replace(AGENT, process=process("running"), running_s=5), Status.INITIALIZING, "", "pid 7"),
    ("runs, start timed out", replace(AGENT, process=process("running"), running_s=91), Status.UNKNOWN, "",
     "Startup Timeout of 90 s"),
    ("runs, connection lost", replace(AGENT, process=process("running"), server_pid=7, lost_s=2), Status.UNKNOWN, "",
     "connection to control is lost"),
    ("stopping, not connected", replace(AGENT, process=process("stopping")), Status.STOP_PENDING, "Exiting", ""),
    ("stopped as asked", replace(AGENT, process=process("exited", planned=True, exit_code=0)), Status.STOPPED, "",
     "Stopped as asked."),
    ("killed", replace(AGENT, process=process("exited", signal=9)), Status.STOPPED, "",
     "Ended unexpectedly: killed by signal 9 (SIGKILL)."),
    ("failed", replace(AGENT, process=process("exited", exit_code=3)), Status.STOPPED, "", "exit code 3"),
    ("by hand, ended well", replace(AGENT, process=process("exited", by_hand=True), server_pid=7,
                                    report=Report(state="stopping")), Status.STOPPED, "", "in good order"),
    ("restarts later", replace(AGENT, process=process("backoff", signal=9, restart_in_s=2.0)), Status.START_PENDING, "",
     "restarts in 2 s"),
    ("restarts at once", replace(AGENT, process=process("backoff", signal=9)), Status.START_PENDING, "",
     "restarts at once"),
    ("gave up", replace(AGENT, process=process("gave_up", exit_code=3, restarts=10)), Status.GAVE_UP, "",
     "10 restarts"),
    ("never started", AGENT, Status.STOPPED, "", "No process of it runs."),
    ("not installed", replace(NO_AGENT, installed=False), Status.STOPPED, "", "not installed"),
    ("no agent", NO_AGENT, Status.UNKNOWN, "", "agent of alpha is not connected"),
    ("no host", Seen(), Status.UNKNOWN, "", "no Host"),
    ("lost with its agent", replace(NO_AGENT, server_pid=7, lost_s=2, process=process("running")), Status.UNKNOWN, "",
     "pid 7) is lost"),
    ("said goodbye, no agent", replace(NO_AGENT, server_pid=7, lost_s=2, report=Report(state="stopping")),
     Status.STOPPED, "", "said that it ends"),
    ("lost by hand, agent silent about it", replace(AGENT, server_pid=7, lost_s=2), Status.UNKNOWN, "", "has not said"),
    ("lost by hand, agent finds none", replace(AGENT, server_pid=7, lost_s=2, unseen=True), Status.STOPPED, "",
     "finds no process"),
    ("lost, agent knows only the one before", replace(AGENT, server_pid=7, lost_s=2, process=process("exited", pid=6)),
     Status.UNKNOWN, "", "has not said"),
]


@pytest.mark.parametrize(("seen", "status", "mode", "words"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])
def test_status_mode_and_reason(seen, status, mode, words):
    found = verdict(seen)
    assert (found.status, found.mode) == (status, mode)
    assert words in found.reason
    assert found.reason.endswith(".")


def test_every_state_that_the_protocol_knows_has_a_case():
    seen = [case[1] for case in CASES]
    assert {each.report.state for each in seen if each.connected and each.report} == set(SERVER_STATES)
    assert {each.process.state for each in seen if each.process and not each.connected} == set(PROCESS_STATES)


def test_a_connection_that_was_just_lost_changes_nothing_yet():
    seen = replace(AGENT, process=process("running"), server_pid=7, lost_s=0.25, previous=STARTED)
    assert verdict(seen) == replace(STARTED, recheck_in_s=LOST_GRACE_S - 0.25)


@pytest.mark.parametrize("seen", [
    replace(AGENT, process=process("running"), server_pid=7, lost_s=0.25), replace(NO_AGENT, server_pid=7, lost_s=0.25),
    replace(NO_AGENT, settled=False), replace(AGENT, process=process("running"), settled=False)],
    ids=["just lost", "just lost with its agent", "control just started", "control just started, its agent is there"])
def test_what_is_kept_for_a_while_is_not_primary_once_the_record_names_the_other_member(seen):
    found = verdict(replace(seen, replaced=True, previous=STARTED))
    assert (found.status, found.mode, found.reason) == (Status.STARTED, "", REPLACED)


def test_a_backup_that_was_just_lost_keeps_its_mode():
    backup = replace(STARTED, mode="Backup")
    assert verdict(replace(NO_AGENT, lost_s=0.25, replaced=True, previous=backup)).mode == "Backup"


def test_an_attested_end_counts_at_once():
    seen = replace(AGENT, process=process("exited", signal=9), server_pid=7, lost_s=0.0, previous=STARTED)
    assert verdict(seen).status == Status.STOPPED


def test_a_new_process_is_initializing_though_the_former_was_just_lost():
    seen = replace(AGENT, process=process("running", pid=8), server_pid=7, lost_s=0.1, previous=STARTED)
    assert (verdict(seen).status, verdict(seen).pid) == (Status.INITIALIZING, 8)


def test_startup_timeout_is_when_it_is_looked_at_again():
    seen = replace(AGENT, process=process("running"), running_s=60, startup_timeout_s=90)
    assert verdict(seen).recheck_in_s == 30


@pytest.mark.parametrize("seen", [NO_AGENT, replace(NO_AGENT, agent_connected=True),
                                  replace(AGENT, process=process("running"))])
def test_while_control_has_just_started_what_was_known_is_kept(seen):
    assert verdict(replace(seen, settled=False, previous=STARTED)) == STARTED


def test_a_server_that_its_agent_did_not_start_was_started_by_hand():
    assert verdict(replace(connected("started", role="primary"), process=None)).by_hand
    assert verdict(replace(connected("started", role="primary"), process=process("running", pid=6))).by_hand
    assert not verdict(connected("started", role="primary")).by_hand


def test_who_started_it_is_not_guessed_while_the_agent_is_away():
    seen = replace(connected("started", NO_AGENT, role="primary"), process=None)
    assert not verdict(replace(seen, previous=STARTED)).by_hand
    assert verdict(replace(seen, previous=replace(STARTED, by_hand=True))).by_hand


def test_without_an_agent_the_last_known_status_is_said_and_stays_said():
    found = verdict(replace(NO_AGENT, previous=STARTED))
    assert found.status == Status.UNKNOWN
    assert found.reason == ("The agent of alpha is not connected, so nothing says whether it runs. "
                            "Last known: Started. Serves in epoch 3.")
    assert verdict(replace(NO_AGENT, previous=found)) == found
    again = remembered(found.status, found.mode, found.reason, found.pid, found.by_hand)
    assert verdict(replace(NO_AGENT, previous=again)) == found
    assert not verdict(replace(AGENT, previous=found)).last_known


def test_what_stopped_before_its_agent_was_removed_is_stopped_and_not_managed():
    stopped = verdict(replace(NO_AGENT, previous=Verdict(Status.STOPPED, "", "Stopped as asked.")))
    removed = verdict(replace(NO_AGENT, managed=False, previous=stopped))
    assert (removed.status, removed.reason) == (
        Status.STOPPED, "Not managed: the agent of alpha was removed, so nothing says whether it runs. Last known: "
        "Stopped. Stopped as asked.")


def test_what_ran_when_its_agent_was_removed_is_not_known_any_more():
    removed = verdict(replace(NO_AGENT, managed=False, previous=STARTED))
    assert removed.status == Status.UNKNOWN
    assert removed.reason.endswith("Last known: Started. Serves in epoch 3.")


def test_when_a_server_ceased_to_serve_is_kept_until_it_serves_again():
    """Restarts that do not get as far as serving do not make an outage look younger."""
    serving = StatusRow(application_id=1, status="Started", mode="Primary")
    ended = replace(serving, status="Stopped", mode="")
    first, later = datetime(2025, 4, 25, 12, 0, tzinfo=UTC), datetime(2025, 4, 25, 12, 5, tzinfo=UTC)
    stopped, starting = Verdict(status="Stopped"), Verdict(status="Start Pending")
    assert served_until(stopped, None, first) is None
    assert served_until(stopped, ended, first) is None
    assert served_until(stopped, serving, first) == first
    for found in (starting, stopped, Verdict(status="Started", mode="Backup"), Verdict(status="Unknown")):
        assert served_until(found, replace(ended, served_until=first), later) == first
    assert served_until(Verdict(status="Started", mode="Primary"), replace(ended, served_until=first), later) is None
