"""Would failover work now: the conditions, pure."""

from dataclasses import replace
from datetime import timedelta

import pytest

from provisioning.certificates.rules import certificate
from provisioning.pairs.rules.facts import Asked, PairFacts
from provisioning.pairs.rules.failover import would_failover_work
from provisioning.pairs.rules.proofs import Proof, proofs_of
from tests.members import NOW, changed, member

from .checked import LOCKED, missing, warnings


def heard(seconds_ago):
    return NOW - timedelta(seconds=seconds_ago)


ACCEPTS = Proof(name="A", connected=True, role="primary", epoch=3, accepts=True, took_ms=1.4)
REFUSES = Proof(name="B", connected=True, role="backup", epoch=3, reason="It is the backup.")
HUNG = replace(ACCEPTS, accepts=False, reason="It did not answer the probe within 3 s.")
PRIMARY = member(
    id=1, name="A", host="alpha", host_status="Running", auto_restart=True, version="8.5", status="Started",
    mode="Primary", heard_at=heard(0.4), link="synced", common_seq=120, common_digest="d",
    ports={"default": 7001, "sync": 7002}, held={"default": 7001, "sync": 7002}, redundancy_type="warm standby")
BACKUP = changed(PRIMARY, id=2, name="B", host="beta", mode="Backup", ports={"default": 7101, "sync": 7102},
                 held={"default": 7101, "sync": 7102})
WELL = PairFacts(primary=PRIMARY, backup=BACKUP, active_id=1, in_sync=True, now=NOW)
ASKED = Asked(control="", proofs={"A": ACCEPTS, "B": REFUSES})


def verdict(*, primary=None, backup=None, proofs=None, asked=None, **changes):
    """Of WELL with these changes of its members, of who proved what, and of what came of asking."""
    probed = replace(ASKED, proofs=ASKED.proofs | (proofs or {}), **(asked or {}))
    return would_failover_work(replace(WELL, primary=changed(PRIMARY, **(primary or {})),
                                       backup=changed(BACKUP, **(backup or {})), asked=probed, **changes))


def test_a_pair_that_is_well_says_yes_and_why():
    found = verdict()
    assert (found.works, found.sentence) == (True, "Yes: failover would work now.")
    assert {each.state for each in found.conditions} == {"ok"}
    assert all(each.sentence.endswith(".") and not each.advice for each in found.conditions)
    [proof] = [each for each in found.conditions if each.code == "proof"]
    assert proof.sentence == "A accepted a write in 1 ms, B refused it."


def test_a_standby_whose_copy_begins_later_lacks_records_one_that_begins_earlier_does_not():
    found = verdict(primary={"first_seq": 1}, backup={"first_seq": 121})
    [digests] = [each for each in found.conditions if each.code == "digests"]
    assert (found.works, digests.sentence) == (False, "B begins at record 121, A at record 1.")
    assert "stop B" in digests.advice
    found = verdict(primary={"first_seq": 121}, backup={"first_seq": 1})
    assert found.works
    assert warnings(found) == {"digests": "no"}


def test_in_a_dispute_every_advice_that_would_not_help_gives_way_to_the_way_out():
    found = verdict(disputed=True, in_sync=False, reason="An older control database was put back",
                    proofs={"A": None, "B": None}, primary={"status": "Initializing", "mode": "", "link": "down"},
                    backup={"status": "Initializing", "mode": "", "link": ""})
    advice = {each.code: each.advice for each in found.missing}
    assert set(advice) == {"undisputed", "started", "roles", "in_sync", "link", "proof"}
    assert {text.partition(":")[0] for text in advice.values()} == {"Open Restored Database"}
    [sentence] = [each.sentence for each in found.missing if each.code == "undisputed"]
    assert sentence == "An older control database was put back."


def test_a_member_that_is_stopped_is_to_be_started_in_a_dispute_too():
    found = verdict(disputed=True, backup={"status": "Stopped"})
    [advice] = [each.advice for each in found.missing if each.code == "started"]
    assert advice.startswith("Start B")


@pytest.mark.parametrize(("database", "state", "advice"), [
    ("", "no", "Its log says why. Do not switch over until both roles are proven."),
    ("The database is held.", "unknown", "End that first, then check again.")])
def test_roles_that_changed_and_could_not_be_written_down_are_not_a_fault_of_the_servers(database, state, advice):
    found = verdict(asked={"database": database}, proofs={"A": REFUSES, "B": ACCEPTS})
    assert missing(found) == {"proof": state}
    [proof] = found.missing
    assert (proof.advice, database in proof.sentence) == (advice, True)


def test_after_a_switchover_it_says_yes_as_well():
    found = verdict(active_id=2, primary={"mode": "Backup"}, backup={"mode": "Primary"},
                    proofs={"A": REFUSES, "B": ACCEPTS})
    assert found.works


@pytest.mark.parametrize(("changes", "expected"), [
    ({"primary": {"redundancy_type": "not specified"}}, {"redundancy": "no"}),
    ({"backup": {"enabled": False}}, {"enabled": "no"}),
    ({"backup": {"installed": False}}, {"installed": "no"}),
    ({"backup": {"status": "Stopped"}}, {"started": "no"}),
    ({"backup": {"mode": "Primary"}}, {"roles": "no"}),
    ({"primary": {"mode": "Backup"}}, {"roles": "no"}),
    ({"primary": {"mode": "Backup"}, "backup": {"mode": "Primary"}}, {"roles": "no"}),
    ({"backup": {"mode": ""}}, {"roles": "no"}),
    ({"in_sync": False}, {"in_sync": "no"}),
    ({"active_id": None}, {"in_sync": "no", "proof": "unknown"}),
    ({"backup": {"link": "catching_up"}}, {"link": "no"}),
    ({"primary": {"link": "down", "link_reason": "No route."}}, {"link": "no"}),
    ({"backup": {"common_digest": "e"}}, {"digests": "no"}),
    ({"primary": {"first_seq": 1}, "backup": {"first_seq": 121}}, {"digests": "no"}),
    ({"disputed": True, "in_sync": False, "reason": "An older one."}, {"undisputed": "no", "in_sync": "no"}),
    ({"automatic_failover": False}, {"automatic_failover": "no"}),
    ({"asked": {"control": "Control did not answer."}}, {"control": "no", "proof": "unknown"}),
    ({"asked": {"control": None}}, {"control": "unknown", "proof": "unknown"}),
    ({"asked": {"no_probe": "B is not connected."}}, {"proof": "unknown"}),
    ({"backup": {"held": {"sync": 7102}}}, {"ports_held": "no"}),
    ({"backup": {"held": {"default": 7001, "sync": 7102}}}, {"ports_held": "no"}),
    ({"backup": {"ports": {"sync": 7102}, "held": {"sync": 7102}}}, {"port_ids": "no"}),
    ({"proofs": {"A": replace(ACCEPTS, accepts=False)}}, {"proof": "no"}),
    ({"proofs": {"B": replace(REFUSES, accepts=True)}}, {"proof": "no"}),
    ({"proofs": {"B": replace(REFUSES, connected=False)}}, {"proof": "no"}),
    ({"proofs": {"B": None}}, {"proof": "no"}),
    ({"backup": {"heard_at": heard(10.1)}},
     {"heard": "no", "started": "unknown", "roles": "unknown", "link": "unknown", "ports_held": "unknown"}),
    ({"backup": {"heard_at": None}},
     {"heard": "no", "started": "unknown", "roles": "unknown", "link": "unknown", "ports_held": "unknown"}),
])
def test_each_necessary_condition_by_itself_makes_it_a_no(changes, expected):
    found = verdict(**changes)
    assert missing(found) == expected
    assert not found.works
    assert found.sentence.startswith("No: ")
    assert all(each.advice for each in found.missing)


@pytest.mark.parametrize(("changes", "expected"), [
    ({"backup": {"host_status": "Disconnected"}}, {"agents": "no"}),
    ({"backup": {"auto_restart": False}}, {"auto_restart": "no"}),
    ({"backup": {"host": "alpha"}}, {"hosts": "no"}),
    ({"backup": {"version": "8.6"}}, {"version": "no"}),
    ({"backup": {"common_seq": 119}}, {"digests": "unknown"}),
])
def test_a_warning_is_said_and_the_answer_stays_yes(changes, expected):
    found = verdict(**changes)
    assert warnings(found) == expected
    assert found.works


@pytest.mark.parametrize(("days", "expected"), [(31, {}), (29, {"certificates": "no"}), (-1, {"certificates": "no"})])
def test_a_certificate_that_is_about_to_expire_is_a_warning(days, expected):
    found = verdict(backup={"certificates": (certificate("Port sync", 86_400 * (days + 0.1), 0),)})
    assert (found.works, warnings(found)) == (True, expected)
    assert not expected or "B, Port sync: its certificate expire" in found.warnings[0].sentence


def test_sentences_name_who_and_what_to_do():
    found = verdict(automatic_failover=False, paused_by="otto", paused_reason="work on the rack",
                    backup={"status": "Service Unavailable", "reason": "Its disk is full."}, asked={"control": None})
    said = {each.code: (each.sentence, each.advice) for each in found.missing}
    assert said["automatic_failover"] == ("Automatic failover is paused by otto: work on the rack.",
                                          "Resume it when the work is done.")
    assert said["started"][0] == "B is Service Unavailable. Its disk is full."
    assert found.sentence == "No: 2 conditions do not hold and 2 are not known."
    assert verdict(in_sync=False).sentence == "No: 1 condition does not hold."


UNAVAILABLE = {"status": "Service Unavailable", "host": "beta", "working_directory": "/opt/b"}


def advice(code, **changes):
    return next(each.advice for each in verdict(**changes).conditions if each.code == code)


@pytest.mark.parametrize(("reason", "helps"), [
    ("Messages cannot be stored: database or disk is full.",
     "Make room on the disk on host beta where B keeps its messages (/opt/b/data); it serves again by itself then."),
    ("Messages cannot be stored: [Errno 28] No space left on device.",
     "Make room on the disk on host beta where B keeps its messages (/opt/b/data); it serves again by itself then."),
    ("The disk has not answered since 2026-11-24 10:15:03 UTC.",
     "The disk on host beta where B keeps its messages (/opt/b/data) hangs: mend it, or what it hangs on."),
    ("The granted epoch cannot be stored: disk I/O error.",
     "Look at the disk on host beta where B keeps its messages (/opt/b/data): it refuses what is written."),
    ("The server says that it cannot serve, and not why.",
     "B runs, and its log on host beta says why it cannot serve."),
])
def test_a_server_that_runs_and_cannot_serve_is_not_to_be_started(reason, helps):
    assert advice("started", backup=UNAVAILABLE | {"reason": reason}) == helps


def test_each_member_that_is_not_started_gets_what_helps_it():
    said = advice("started", primary={"status": "Stopped"}, backup={"status": "Initializing"})
    assert said == ("Start A; its page and its log say why it is not Started. Wait for B: it is on its way.")


def test_a_server_whose_disk_hangs_is_helped_by_a_switchover():
    assert advice("proof", proofs={"A": HUNG}).startswith(
        "Switch Over works and helps: B has every message, and A need not answer for it.")


@pytest.mark.parametrize(("changes", "says"), [
    ({"in_sync": False}, "B is not in sync, so it cannot take over."),
    ({"proofs": {"A": replace(HUNG, reason="the standby does not confirm: no answer in time")}},
     "Do not switch over to B now."),
    ({"proofs": {"B": None}}, "Do not switch over until both roles are proven."),
    ({"proofs": {"B": ACCEPTS}}, "Do not switch over until both roles are proven."),
    ({"asked": {"record_trouble": LOCKED}}, "No role changes until control can write its record."),
])
def test_a_switchover_is_advised_only_where_it_helps(changes, says):
    assert says in advice("proof", **changes | {"proofs": {"A": HUNG} | changes.get("proofs", {})})


def test_a_record_that_control_cannot_write_is_said_and_nobody_is_told_to_start_what_runs():
    found = verdict(asked={"record_trouble": LOCKED, "database": LOCKED}, primary={"heard_at": heard(45)},
                    backup={"heard_at": heard(45)})
    said = {each.code: (each.state, each.sentence, each.advice) for each in found.conditions}
    assert said["record"][:2] == ("no", f"Control cannot write its record. {LOCKED}")
    assert {said[code][2] for code in ("heard", "started", "roles")} == {
        f"{LOCKED} What is heard meanwhile cannot be written down: end that first."}
    assert not any("Start control" in advice for _, _, advice in said.values())


@pytest.mark.parametrize("facts", [{}, {"members": None}, {"members": [3, {}, {"name": 4}]}])
def test_facts_of_a_probe_that_are_none_prove_nothing(facts):
    assert proofs_of(facts) == {}


# --- servers that are known not to run

LONG_AGO = {"status": "Stopped", "mode": "", "heard_at": heard(600), "link": "down", "held": {}}
NEVER = LONG_AGO | {"heard_at": None, "common_seq": 0, "common_digest": "", "link": ""}
MISFITS = ("not known", "check the network", "Check that", "Wait until", "Ask again", "Start control",
           "different records", "Press Check now")
"""What does not fit a server that is known not to run."""


@pytest.mark.parametrize("asked", [{"control": None}, {"no_probe": "B is not connected."}, {}])
@pytest.mark.parametrize("in_sync", [True, False])
@pytest.mark.parametrize("backup", [LONG_AGO, NEVER])
def test_of_two_servers_that_are_stopped_every_condition_says_so_and_what_helps(asked, in_sync, backup):
    found = verdict(primary=LONG_AGO, backup=backup, in_sync=in_sync, asked=asked, proofs={"A": None, "B": None})
    said = {each.code: (each.sentence, each.advice) for each in found.conditions
            if each.state != "ok" and each.code != "control"}
    assert said["started"] == ("A and B are Stopped.", "Start both servers.")
    for code in ("heard", "roles", "link", "ports_held", "proof"):
        assert said[code][0].startswith("A and B are Stopped.") or code == "proof", said[code]
        assert said[code][1].startswith("Start both servers."), said[code]
    texts = [text for sentences in said.values() for text in sentences]
    assert not [text for text in texts for words in MISFITS if words in text], texts


def test_a_copy_that_was_never_told_of_is_not_called_another_record():
    found = verdict(primary=LONG_AGO, backup=NEVER)
    [digests] = [each for each in found.conditions if each.code == "digests"]
    assert (digests.sentence, digests.advice) == (
        "B has not told yet which records it has, so the copies were not compared.", "Start both servers.")


def test_a_standby_that_is_stopped_is_to_be_started_and_not_waited_for():
    found = verdict(backup=LONG_AGO, in_sync=False, proofs={"B": None})
    said = {each.code: (each.sentence, each.advice) for each in found.missing}
    assert said["in_sync"][1] == "Start B. B catches up while both run."
    assert said["started"][0] == "B is Stopped."
    assert said["proof"] == ("B did not prove that it is the backup.", "Start B.")
    assert said["link"] == ("B is Stopped.", "Start B.")


@pytest.mark.parametrize(("status", "heard_of", "started"), [
    ("Initializing", "Wait for B: it is on its way.", "B is Initializing."),
    ("Started", "Check that B runs, and the network from there to control.", "It is not known of B."),
    ("Unknown", "Check that B runs, and the network from there to control.", "It is not known of B."),
])
def test_of_a_server_that_may_run_and_is_silent_control_is_not_to_be_started(status, heard_of, started):
    found = verdict(backup={"status": status, "heard_at": None})
    said = {each.code: (each.sentence, each.advice) for each in found.missing}
    assert said["heard"][1] == heard_of
    assert said["started"][0] == started


def test_while_nothing_is_written_down_that_a_server_is_stopped_may_be_of_before():
    found = verdict(backup=LONG_AGO, asked={"database": LOCKED})
    said = {each.code: each.sentence for each in found.missing}
    assert said["started"] == "It is not known of B."
    assert said["roles"] == "The roles of both are not known now."


def test_where_control_does_not_answer_it_is_to_be_started():
    assert "Start control" in advice("heard", backup={"heard_at": None}, asked={"control": "Control did not answer."})
    assert "Start control" in advice("heard", backup={"heard_at": None}, control_answers=False)
