"""The commands on a pair, against real processes on two hosts."""

import json
import zipfile

import pytest

from tests.planted.traces import given_away

from .harness import wait_for
from .pairs import tell


def asked(pair, *arguments, code=0):
    """What a command prints as JSON, having ended with ``code``."""
    done = pair.site.pairwise.command_line(*arguments, "--json", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def report_of(pair, drill):
    return pair.site.pairwise.ask("drill report", id=drill)


def missing(verdict):
    return {each["code"] for each in verdict["conditions"] if each["necessary"] and each["state"] != "ok"}


@pytest.mark.long
def test_failover_would_work_on_a_pair_that_is_whole_and_not_while_it_is_paused(pair):
    primary, backup = pair.members
    verdict = asked(pair, "failover_check", backup.name)
    assert (verdict["works"], missing(verdict)) == (True, set()), verdict
    asked(pair, "pause_failover", primary.name, "--reason", "work on the rack")
    assert missing(asked(pair, "failover_check", primary.name, code=1)) == {"automatic_failover"}
    assert asked(pair, "resume_failover", backup.name)["automatic_failover"] is True
    assert asked(pair, "failover_check", primary.name)["works"]


@pytest.mark.long
def test_failover_would_not_work_without_the_standby(pair):
    standby = pair.standby
    standby.freeze()
    verdict = asked(pair, "failover_check", standby.name, code=1)
    assert "proof" in missing(verdict)
    standby.thaw()
    pair.wait_whole()


@pytest.mark.long
def test_switchover_waits_until_the_other_one_is_proven_and_does_not_switch_back_when_asked_twice(pair):
    primary, backup = pair.members
    done = asked(pair, "switchover", primary.name, "--wait", "--to", backup.name)
    assert (done["active"], done["in_sync"], done["proven"]) == (backup.name, True, True)
    refusal = asked(pair, "switchover", primary.name, "--to", backup.name, code=2)["refusals"][0]["message"]
    assert backup.name in refusal
    assert pair.active is backup
    assert asked(pair, "switchover", backup.name, "--wait")["active"] == primary.name


@pytest.mark.long
def test_promote_is_refused_while_nothing_would_be_lost(pair):
    primary, backup = pair.members
    assert asked(pair, "promote", backup.name, "--accept-data-loss", backup.name, code=2)["refusals"][0]["field"] == (
        "accept_data_loss")
    asked(pair, "promote", backup.name, "--accept-data-loss", primary.name, code=2)
    assert pair.active is primary


def test_synchronize_makes_a_running_pair_equal(pair):
    primary, backup = pair.members
    pair.site.pairwise.manage("apply", "-", "--yes", text=json.dumps({"applications": [
        {"name": primary.name, "options": {"messages": {"retention-days": "9"}}}]}))
    plan = asked(pair, "synchronize", backup.name, "--yes")
    assert plan["applied"]
    assert [row["what"] for row in plan["rows"] if row["copied"]] == ["options.messages.retention-days"]
    assert asked(pair, "synchronize", backup.name)["equal"]
    pair.wait_whole()
    assert asked(pair, "failover_check", primary.name)["works"]


def test_a_drill_switches_over_and_back_loses_nothing_and_leaves_the_pair_as_it_was(pair):
    primary, backup = pair.members
    report = asked(pair, "drill", backup.name, "--wait", "--limit", "20")
    assert (report["state"], report["switched_back"], report["serves_now"]) == ("passed", True, primary.name), report
    assert {phase["state"] for phase in report["phases"]} == {"done"}
    figures = report["figures"]
    assert figures["acknowledged"] == figures["sent"] == figures["delivered"] >= 20
    assert (figures["lost"], figures["duplicated"]) == (0, 0)
    assert 0 < figures["outage_over_ms"] < 5000
    assert 0 < figures["outage_back_ms"] < 5000
    pair.wait_told("switchover", f"Failover drill {report['drill']}")
    tell("a drill, there", figures["outage_over_ms"] / 1000)
    tell("a drill, back", figures["outage_back_ms"] / 1000)
    pair.wait_whole(by=primary)


@pytest.mark.long
def test_a_drill_whose_pre_flight_fails_is_refused_and_switches_nothing(pair):
    primary, backup = pair.members
    epoch = pair.facts()["epoch"]
    backup.stop()
    report = asked(pair, "drill", primary.name, "--wait", code=2)
    assert report["state"] == "refused"
    assert f"{backup.name} is Stopped." in report["sentence"]
    assert "No switchover was made." in report["sentence"]
    assert (pair.active, pair.facts()["epoch"]) == (primary, epoch)
    backup.start()


@pytest.mark.long
def test_a_drill_that_is_cancelled_on_the_way_leaves_the_pair_as_it_found_it(pair):
    primary, _ = pair.members
    drill = pair.ask("drill", limit_s=20)["facts"]["drill"]
    wait_for(lambda: "over" in report_of(pair, drill)["done"], 30, "the switchover of the drill", every=0.02)
    assert pair.site.pairwise.ask("cancel drill", id=drill)["ok"]
    wait_for(lambda: report_of(pair, drill)["state"] != "running", 40, "the end of the drill")
    told = report_of(pair, drill)
    assert (told["state"], told["serves_now"], told["figures"]["lost"]) == ("interrupted", primary.name, 0), told
    assert "Cancelled by" in told["sentence"]
    assert f"{primary.name} serves again, as before." in told["sentence"]
    pair.wait_whole(by=primary)


@pytest.mark.long
def test_a_drill_in_which_the_other_member_freezes_fails_says_who_serves_and_loses_nothing(pair):
    primary, backup = pair.members
    drill = pair.ask("drill", limit_s=4)["facts"]["drill"]
    wait_for(lambda: "over" in report_of(pair, drill)["done"], 30, "the switchover of the drill", every=0.02)
    refusal = pair.ask("switchover")
    assert not refusal["ok"]
    assert f"Failover drill {drill}" in refusal["reason"]
    primary.freeze()
    wait_for(lambda: report_of(pair, drill)["state"] != "running", 40, "the end of the drill")
    told = report_of(pair, drill)
    assert (told["state"], told["serves_now"]) == ("failed", backup.name), told
    assert (told["figures"]["lost"], told["figures"]["duplicated"]) == (0, 0)
    assert f"{backup.name} serves now; before the drill {primary.name} did." in told["sentence"]
    primary.thaw()
    pair.wait_whole()


@pytest.mark.long
def test_a_running_pair_is_looked_on_and_audited_and_its_bundle_has_no_secret(pair, tmp_path):
    primary, backup = pair.members
    # What no host has shown yet on a busy machine is said, with the advice to audit again.
    found = wait_for(lambda: next((each for each in asked(pair, "audit", backup.name)["pairs"]
                                   if not each["not_known"]), None), 60, "what both hosts show")
    assert found["primary"] == primary.name
    assert [each["rule"] for each in found["findings"] if each["severity"] == "error"] == []
    file = tmp_path / "bundle.zip"
    asked(pair, "support_bundle", primary.name, "--output", str(file))
    with zipfile.ZipFile(file) as archive:
        texts = {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}
    secrets = {member.name: (member.files / "application.secret").read_text().strip() for member in pair.members}
    assert [path for path, text in texts.items() if given_away(secrets, text)] == []
    assert f"server {primary.name} registered" in texts["logs/control.log"]
    assert any(f"{primary.name} is Started as Primary" in text for path, text in texts.items() if path.endswith(".log"))
