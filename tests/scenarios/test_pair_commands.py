"""The commands on a pair, against real processes on two hosts."""

import json


def asked(pair, *arguments, code=0):
    """What a command prints as JSON, having ended with ``code``."""
    done = pair.site.pairwise.manage(*arguments, "--json", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def missing(verdict):
    return {each["code"] for each in verdict["conditions"] if each["necessary"] and each["state"] != "ok"}


def test_failover_would_work_on_a_pair_that_is_whole_and_not_while_it_is_paused(pair):
    primary, backup = pair.members
    verdict = asked(pair, "failover_check", backup.name)
    assert (verdict["works"], missing(verdict)) == (True, set()), verdict
    asked(pair, "pause_failover", primary.name, "--reason", "work on the rack")
    assert missing(asked(pair, "failover_check", primary.name, code=1)) == {"automatic_failover"}
    assert asked(pair, "resume_failover", backup.name)["automatic_failover"] is True
    assert asked(pair, "failover_check", primary.name)["works"]


def test_failover_would_not_work_without_the_standby(pair):
    standby = pair.standby
    standby.freeze()
    verdict = asked(pair, "failover_check", standby.name, code=1)
    assert "proof" in missing(verdict)
    standby.thaw()
    pair.wait_whole()


def test_switchover_waits_until_the_other_one_is_proven_and_does_not_switch_back_when_asked_twice(pair):
    primary, backup = pair.members
    done = asked(pair, "switchover", primary.name, "--wait", "--to", backup.name)
    assert (done["active"], done["in_sync"], done["proven"]) == (backup.name, True, True)
    refusal = asked(pair, "switchover", primary.name, "--to", backup.name, code=2)["refusals"][0]["message"]
    assert backup.name in refusal
    assert pair.active is backup
    assert asked(pair, "switchover", backup.name, "--wait")["active"] == primary.name


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
