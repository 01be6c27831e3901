"""The guide's procedure as a checklist: every step done, not done, wrong or not known, and what does it."""

from dataclasses import replace

import pytest

from provisioning.errors import Link
from provisioning.pairs.rules.failover_facts import Condition
from provisioning.pairs.rules.guide import GuideFacts, MemberSetup, StartFile, procedure
from tests.members import changed, member

PORTS = {"default": 7001, "sync": 7002}
CLIENTS = {"default": 7001}
PRIMARY = MemberSetup(
    server=member(id=1, name="MS_P", status="Started", mode="Primary", host="edge1", working_directory="/a",
                  template="Message_Server", ports=PORTS, auto_restart=True, redundancy_type="warm standby"),
    start_file=StartFile(right=True, as_written=True, sentence="run.sh is as it should be."))
BACKUP = replace(PRIMARY, server=changed(PRIMARY.server, id=2, name="MS_B", mode="Backup", host="edge2",
                                         working_directory="/b"))
COMPLETE = GuideFacts(primary=PRIMARY, backup=BACKUP, linked=True, differences=0, in_sync=True)
UNCHOSEN = {"redundancy_type": "not specified"}
JOB = Link("job", "7", "Install MS_B")


def step(facts, number):
    return procedure(facts)[number - 1]


def backup(**changes):
    setup = {name: changes.pop(name) for name in list(changes) if name in MemberSetup.__dataclass_fields__}
    return replace(COMPLETE, backup=replace(BACKUP, server=changed(BACKUP.server, **changes), **setup))


def primary(**changes):
    return replace(PRIMARY, server=changed(PRIMARY.server, **changes))


def why(found):
    return next(item.why for item in found.items if item.state == found.state)


def verbs(found):
    return [button.verb for button in (*found.buttons, *(b for item in found.items for b in item.buttons))]


def test_a_complete_pair_has_every_step_done():
    steps = procedure(COMPLETE)
    assert [(each.number, each.state) for each in steps] == [(number, "done") for number in range(1, 8)]
    assert [verbs(each) for each in steps] == [[], [], [], ["check-start-files"] * 2, [], [], []]


def test_without_any_backup_object_the_first_step_makes_one_and_the_others_wait():
    steps = procedure(GuideFacts(primary=PRIMARY))
    assert verbs(steps[0]) == ["new", "clone"]
    assert [each.state for each in steps] == ["not done"] * 7
    assert [item.why for item in steps[1].items] == ["In /a.", "Comes after step 1."]


def test_a_server_that_is_meant_to_be_the_backup_is_looked_at_before_it_is_linked():
    steps = procedure(replace(COMPLETE, primary=primary(**UNCHOSEN), linked=False, differences=None))
    assert [each.state for each in steps] == ["done", "done", "not done", "done", "not done", "done", "not done"]
    assert verbs(steps[0]) == ["new", "clone"]
    assert [item.why for item in steps[2].items if item.state == "not done"] == [
        "MS_P is Started and MS_B is Started. Backup Server and Redundancy Type change only while both are stopped.",
        "Choose MS_B in the Server Info of MS_P and save.",
        "Choose Warm Standby: it is the only type that Message Servers support."]
    assert verbs(steps[2]) == ["edit", "stop"]


def test_step_3_asks_for_the_port_with_ha_sync_before_somebody_runs_into_the_refusal():
    alone = primary(ports=CLIENTS, status="Stopped")
    items = step(replace(COMPLETE, primary=alone, linked=False, backup=None), 3).items
    assert (items[0].state, "Add a port with HA Sync" in items[0].why) == ("not done", True)
    assert (items[1].label, items[1].state) == ("Both servers stopped", "done")
    assert step(replace(COMPLETE, primary=alone), 3).state == "wrong"


@pytest.mark.parametrize(("changes", "state", "sentence"), [
    ({"host": ""}, "not done", "Choose the Host with the search icon in Server Info."),
    ({"ports": {}}, "not done", "Add the port that clients connect to."),
    ({"ports": CLIENTS}, "wrong", "Add a port with HA Sync: the other member fetches its messages there."),
    ({"auto_restart": False}, "not done", "Select it, so that the agent starts the server again after a failure."),
])
def test_step_1_says_what_the_object_still_needs(changes, state, sentence):
    found = step(backup(**changes), 1)
    assert (found.state, why(found), verbs(found)) == (state, sentence, ["edit"])


def test_step_1_refuses_an_object_of_another_type():
    found = step(backup(type="GenericServer", template="Generic"), 1)
    assert found.state == "wrong"
    assert "the primary is a Message Server" in why(found)


@pytest.mark.parametrize(("changes", "state", "does"), [
    ({"installed": False}, "not done", ["install"]),
    ({"installed": False, "installing": ("running", JOB, "")}, "not done", ["job"]),
    ({"installed": False, "installing": ("failed", JOB, "The disk is full.")}, "wrong", ["install", "job"]),
    ({"installing": ("failed", JOB, "The disk is full.")}, "done", []),
])
def test_step_2_follows_the_installation(changes, state, does):
    found = step(backup(**changes), 2)
    assert (found.state, verbs(found)) == (state, does)


def test_step_3_wants_warm_standby_and_leaves_auto_restart_to_people():
    found = step(replace(COMPLETE, primary=primary(**UNCHOSEN, auto_restart=False)), 3)
    assert [item.state for item in found.items] == ["done", "not done", "done", "wrong", "done"]
    assert verbs(found) == ["edit", "stop"]


@pytest.mark.parametrize(("start_file", "state", "does"), [
    (None, "not known", ["check-start-files"]),
    (StartFile(busy=JOB), "not known", ["job"]),
    (StartFile(trouble="The host does not answer."), "not known", ["check-start-files"]),
    (StartFile(right=True, outdated="Since then MS_B has another name."), "not known", ["check-start-files"]),
    (StartFile(sentence="-app is missing.", diff="-a\n+b"), "wrong", ["repair-start-files", "check-start-files"]),
    (StartFile(right=True, sentence="Its mode differs."), "done", ["repair-start-files", "check-start-files"]),
])
def test_step_4_tells_what_run_sh_on_the_host_is_like(start_file, state, does):
    found = step(backup(start_file=start_file), 4)
    item = found.items[1]
    assert (item.state, [button.verb for button in item.buttons]) == (state, does)
    assert item.diff == (start_file.diff if start_file and state == "wrong" else "")


def test_step_4_comes_after_the_installation():
    assert step(backup(installed=False, start_file=None), 4).items[1].why == "Comes after step 2."


@pytest.mark.parametrize(("differences", "state", "does"), [
    (0, "done", []), (1, "not done", ["synchronize"]), (None, "not done", [])])
def test_step_5_counts_what_is_left_to_synchronize(differences, state, does):
    found = step(replace(COMPLETE, differences=differences), 5)
    assert (found.state, verbs(found)) == (state, does)


@pytest.mark.parametrize(("status", "other", "label"), [
    ("Stopped", "Stopped", "Start both"), ("Started", "Stopped", "Start MS_B"), ("Started", "Initializing", None)])
def test_step_6_starts_whoever_is_stopped(status, other, label):
    facts = replace(backup(status=other, mode=""), primary=primary(status=status))
    found = step(facts, 6)
    assert found.state == "not done"
    assert [button.label for button in found.buttons] == ([label] if label else [])


def test_step_7_says_what_failover_misses():
    missing = (Condition("in_sync", "Standby in sync on record", "no", "MS_B is not in sync."),
               Condition("started", "Both Started", "no", "MS_B is Stopped."))
    found = step(replace(COMPLETE, in_sync=False, missing=missing), 7)
    assert [(item.label, item.state, item.why) for item in found.items] == [
        ("In sync", "not done", "The standby does not have every message."),
        ("Both Started", "not done", "MS_B is Stopped.")]
