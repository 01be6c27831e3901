"""The one sentence about a pair, what was proven, and why a verb cannot be done now."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from provisioning.pairs.rules.facts import PairFacts
from provisioning.pairs.rules.proofs import Proof
from provisioning.pairs.rules.story import LEVELS, badge, follows, headline, no_pair, why_not
from provisioning.states import ENDED, MOVING, ApplicationStatus
from tests.members import NOW, changed, member

ACTIVE = member(id=1, name="MS_P", status="Started", mode="Primary", link="synced",
                last_seq=100, common_seq=100, common_digest="d", clients=4, heard_at=NOW)
STANDBY = changed(ACTIVE, id=2, name="MS_B", mode="Backup", clients=0)
WELL = PairFacts(primary=ACTIVE, backup=STANDBY, epoch=3, active_id=1, in_sync=True, now=NOW)


def pair(primary=None, backup=None, **state):
    """WELL with fields of its members and of its record replaced."""
    return replace(WELL, primary=changed(ACTIVE, **primary or {}), backup=changed(STANDBY, **backup or {}), **state)


STOPPED = {"status": "Stopped", "mode": "", "link": ""}
CASES = {
    "well": (WELL, "ok", "MS_P serves; MS_B has every message and takes over if MS_P fails."),
    "switched over": (pair({"mode": "Backup"}, {"mode": "Primary"}, active_id=2), "ok",
                      "MS_B serves; MS_P has every message and takes over if MS_B fails."),
    "paused": (pair(automatic_failover=False), "risk",
               "MS_P serves and MS_B has every message, but automatic failover is paused."),
    "control silent": (pair(control_answers=False), "risk",
                       "Control does not answer: nothing fails over, and what is shown here may be old."),
    "both stopped": (pair(STOPPED, STOPPED), "broken", "Nobody serves: MS_P is Stopped and MS_B is Stopped."),
    "both gave up, out of sync": (
        pair({"status": "Gave Up"}, {"status": "Gave Up"}, in_sync=False), "broken",
        "Nobody serves: MS_P is Gave Up and MS_B is Gave Up."),
    "never started": (pair(STOPPED, STOPPED, active_id=None), "new",
                      "Not set up yet: neither server of this pair has served."),
    "never installed": (pair({"status": "Unknown", "installed": False}, STOPPED, active_id=None), "new",
                        "Not set up yet: neither server of this pair has served."),
    "never heard of": (pair({"status": "Unknown", "heard_at": None}, STOPPED, active_id=None), "new",
                       "Not set up yet: neither server of this pair has served."),
    "failed before it ever served": (pair({"status": "Gave Up"}, STOPPED, active_id=None), "broken",
                                     "Nobody serves, and nobody has served in this pair yet."),
    "nobody has served": (pair({"status": "Initializing"}, STOPPED, active_id=None), "moving",
                          "MS_P is coming up; nobody serves yet."),
    "standby stopped": (pair(None, STOPPED, in_sync=False), "risk", "MS_P serves alone: MS_B is Stopped."),
    "link broken": (pair({"link": "down"}, {"link": "down"}, in_sync=False), "risk",
                    "MS_P serves alone: the sync link to MS_B is broken."),
    "catching up": (pair({"link": "catching_up", "last_seq": 1500}, {"common_seq": 300}, in_sync=False), "moving",
                    "MS_P serves alone while MS_B is catching up, 1,200 records to go."),
    "standby gone, not recorded yet": (
        pair(None, STOPPED), "risk",
        "MS_P serves, but MS_B is Stopped: messages wait until control has recorded that it is out of sync."),
    "primary killed": (pair({"status": "Unknown"}), "moving",
                       "MS_P is Unknown; MS_B has every message and takes over."),
    "primary killed while paused": (pair({"status": "Stopped"}, automatic_failover=False), "broken",
                                    "Nobody serves: MS_P is Stopped, and automatic failover is paused."),
    "primary killed, standby behind": (pair({"status": "Gave Up"}, in_sync=False), "broken",
                                       "Nobody serves: MS_P is Gave Up, and MS_B does not have every message."),
    "disk full": (pair({"status": "Service Unavailable"}), "broken",
                  "Nobody serves: MS_P is the active server and cannot serve."),
    "old news": (pair({"heard_at": NOW - timedelta(minutes=2)}), "risk",
                 "MS_P served when it was last heard of; whether it does now is not known."),
    "disputed": (pair(STOPPED, {"status": "Initializing"}, disputed=True, in_sync=False), "broken",
                 "Nothing is decided about MS_P and MS_B until somebody says which server goes on."),
    "disputed, one serves on": (
        pair(None, {"status": "Initializing"}, disputed=True, in_sync=False), "risk",
        "MS_P serves on. Nothing is decided about MS_P and MS_B until somebody says which server goes on."),
    "the standby begins later": (
        pair({"first_seq": 1}, {"first_seq": 4716}), "risk",
        "MS_P serves, but MS_B lacks its beginning: it begins at record 4,716, MS_P at record 1."),
    "the standby still has more": (pair({"first_seq": 50}, {"first_seq": 1}), "ok",
                                   "MS_P serves; MS_B has every message and takes over if MS_P fails."),
    "copies differ": (pair(None, {"common_digest": "other"}), "risk",
                      "MS_P serves, but the copies differ at record 100."),
    "no backup": (replace(WELL, backup=None), "risk",
                  "MS_P serves and has no Backup Server: when it fails, nothing takes over."),
}


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_says_what_is_going_on(case):
    facts, level, sentence = CASES[case]
    found = headline(facts)
    assert (found.level, found.sentence) == (level, sentence)


def test_every_combination_has_a_sentence_and_reasons():
    for status, other, in_sync, active_id in product(
            ApplicationStatus.values, ("Unknown", "Stopped", "Started", "Initializing"), (True, False), (None, 1, 2)):
        facts = pair({"status": status}, {"status": other}, in_sync=in_sync, active_id=active_id)
        assert headline(facts).sentence.endswith("."), facts
        assert all(why_not(facts).values()), facts
        assert all(all(follows(verb, facts)) for verb in ("switchover", "promote", "pause")), facts


@pytest.mark.parametrize(("in_sync", "automatic"), [*product((True, False), repeat=2)])
def test_only_a_server_that_has_ended_is_to_be_started(in_sync, automatic):
    for primary, backup in product(ApplicationStatus, repeat=2):
        facts = pair({"status": primary}, {"status": backup}, in_sync=in_sync, automatic_failover=automatic)
        for named in re.findall(r"[Ss]tart (MS_.)", headline(facts).more):
            assert {"MS_P": primary, "MS_B": backup}[named] in ENDED, (primary, backup, headline(facts))


def test_of_members_that_may_both_still_run_it_is_said_to_look_for_them():
    found = headline(pair({"status": "Unknown"}, {"status": "Unknown"}))
    assert found.sentence == "Nobody serves: MS_P is Unknown, and so is MS_B."
    assert found.more.startswith("Both have every message. Look why control hears nothing of them")


def test_a_pair_that_has_served_and_does_not_is_broken_or_about_to_serve():
    """Whoever stopped its members: grey and "not set up" are for pairs that never served."""
    for status, other, in_sync, paused, active_id in product(
            ApplicationStatus.values, ApplicationStatus.values, (True, False), (True, False), (1, 2)):
        facts = pair({"status": status, "mode": ""}, {"status": other, "mode": ""}, in_sync=in_sync,
                     active_id=active_id, automatic_failover=not paused)
        found = headline(facts)
        moving = facts.active.status in MOVING or (in_sync and not paused and facts.standby.runs)
        expected = "moving" if moving and facts.active.status != "Service Unavailable" else "broken"
        assert found.level == expected, facts
        assert found.level == "moving" or found.sentence.startswith("Nobody serves"), facts


def test_the_list_begins_with_what_is_broken_and_ends_with_what_is_not_set_up():
    assert (LEVELS[0], LEVELS[-1]) == ("broken", "new")


def test_an_outage_began_when_the_last_one_that_served_ceased_to():
    ended = {"status": "Stopped", "mode": "", "served_until": NOW - timedelta(minutes=9)}
    facts = pair(ended, ended | {"served_until": NOW - timedelta(minutes=3)})
    assert facts.outage_since == NOW - timedelta(minutes=3)
    assert pair({"served_until": NOW}, ended).outage_since is None
    assert pair(STOPPED, STOPPED).outage_since is None


def test_who_paused_failover_and_why_is_told():
    facts = pair(automatic_failover=False, paused_by="otto", paused_reason="kernel update")
    assert headline(facts).more.endswith("Paused by otto: kernel update.")


# --- the link


def test_the_link_is_in_sync_only_when_control_has_recorded_it():
    assert WELL.link == "synced"
    assert pair(in_sync=False).link == "catching_up"


@pytest.mark.parametrize("changes", [
    {"status": "Stopped"}, {"heard_at": None}, {"heard_at": NOW - timedelta(minutes=1)}])
def test_without_a_fresh_word_of_both_nothing_is_known_of_the_link(changes):
    assert pair(None, changes).link == ""


def test_digests_are_compared_at_the_same_record_only():
    assert WELL.digests_equal is True
    assert pair(None, {"common_digest": "other"}).digests_equal is False
    assert pair(None, {"common_seq": 99}).digests_equal is None
    assert pair({"first_seq": 1}, {"first_seq": 50}).digests_equal is False
    assert pair({"first_seq": 50}, {"first_seq": 50}).digests_equal is True


def test_the_lag_counts_what_the_standby_is_not_known_to_have():
    assert WELL.lag == 0
    assert pair({"last_seq": 130}, {"common_seq": 100}, in_sync=False).lag == 30
    assert pair(active_id=None).lag is None


# --- verbs


@pytest.mark.parametrize(("facts", "sentence"), [
    (WELL, None),
    (pair({"status": "Stopped"}, automatic_failover=False), None),
    (pair(None, STOPPED, in_sync=False), "MS_B is Stopped. Start it and wait until it is in sync."),
    (pair(in_sync=False), "MS_B is not in sync: a switchover now would lose messages. Wait until it has caught up."),
    (pair(active_id=None), "Nobody serves in this pair yet. Start both members first."),
    (pair(control_answers=False), "Control does not answer, and only control changes roles. Start it first."),
    (replace(WELL, backup=None), no_pair("MS_P")),
])
def test_switch_over_says_why_it_is_off(facts, sentence):
    assert why_not(facts).get("switchover") == sentence


@pytest.mark.parametrize(("facts", "sentence"), [
    (pair(STOPPED, in_sync=False), None),
    (WELL, "MS_B has every message: Switch Over loses nothing."),
    (pair(in_sync=False), "MS_P serves. Wait until MS_B is in sync, or stop MS_P first."),
    (pair(STOPPED, STOPPED, in_sync=False), "MS_B is Stopped. Start it first; only a running server can be promoted."),
])
def test_the_lossy_promotion_is_offered_only_when_nothing_else_helps(facts, sentence):
    assert why_not(facts).get("promote") == sentence


def test_a_switchover_names_who_takes_over_and_who_reconnects():
    sentences = follows("switchover", WELL)
    assert sentences[:2] == ("MS_P hands over to MS_B and becomes its backup.", "4 clients of MS_P reconnect to MS_B.")


def test_a_promotion_names_the_records_that_are_given_up():
    facts = pair({"status": "Stopped", "last_seq": 1300}, {"common_seq": 1000}, in_sync=False)
    assert "at least 300 records (1,001 to 1,300)" in follows("promote", facts)[0]


# --- proofs


@pytest.mark.parametrize(("member", "proof", "level", "word"), [
    (ACTIVE, Proof(name="MS_P", connected=True, role="primary", accepts=True), "ok", "Primary"),
    (ACTIVE, Proof(name="MS_P", connected=True, role="primary", reason="disk full"), "broken", "Refuses writes"),
    (STANDBY, Proof(name="MS_B", connected=True, role="backup", reason="it stands by"), "ok", "Backup"),
    (STANDBY, Proof(name="MS_B", connected=True, role="primary", accepts=True), "broken", "Accepts writes"),
    (STANDBY, Proof(name="MS_B", connected=True, reason="waits for a role"), "unknown", "No role"),
    (STANDBY, Proof(name="MS_B"), "unknown", "Not proven"),
    (STANDBY, None, "unknown", "Not proven"),
])
def test_a_badge_is_green_only_for_what_a_probe_proved(member, proof, level, word):
    found = badge(WELL, member, proof)
    assert (found.level, found.word) == (level, word)
