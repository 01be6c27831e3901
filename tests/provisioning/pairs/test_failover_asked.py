"""Would failover work now, with facts of the database and a probe."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from protocol.messages import PairAnswer
from provisioning.core import database
from provisioning.errors import Refused
from provisioning.models import Application, HostRuntime, ListeningPort, PairState, RuntimeStatus
from provisioning.pairs.selectors.failover import record_trouble
from provisioning.pairs.services.pairs import check_failover
from tests.commands import run
from tests.factories import SUPPORT, make_application, make_host, make_pair

from .checked import LOCKED, missing, warnings


def probed(**accepts):
    return PairAnswer(ok=True, facts={"members": [
        {"name": name, "connected": True, "role": "primary" if yes else "backup", "epoch": 3, "accepts": yes,
         "reason": "", "took_ms": 1.0} for name, yes in accepts.items()]})


GOOD = probed(MS_Primary=True, MS_Backup=False)


@pytest.fixture
def pair(db):
    return make_pair(hosts=(make_host("alpha"), make_host("beta")))


def check(row):
    return check_failover(actor=SUPPORT, application_id=row.pk)


@pytest.mark.parametrize("member", [0, 1])
def test_a_pair_that_is_well_passes_whichever_member_is_named(control, pair, member):
    control.answers["probe"] = GOOD
    found = check(pair[member])
    assert (found.works, warnings(found)) == (True, {})
    assert [(request.verb, request.application) for request in control.requests] == [("probe", "MS_Primary")]


@pytest.mark.parametrize(("spoil", "expected"), [
    (lambda p, b: PairState.objects.update(standby_in_sync=False), {"in_sync": "no"}),
    (lambda p, b: PairState.objects.update(automatic_failover=False, paused_by="otto"), {"automatic_failover": "no"}),
    (lambda p, b: RuntimeStatus.objects.filter(application=b).delete(),
     {"heard": "no", "started": "unknown", "roles": "unknown", "link": "unknown", "ports_held": "unknown"}),
    (lambda p, b: RuntimeStatus.objects.filter(application=b).update(heard_at=timezone.now() - timedelta(seconds=11)),
     {"heard": "no", "started": "unknown", "roles": "unknown", "link": "unknown", "ports_held": "unknown"}),
    (lambda p, b: ListeningPort.objects.filter(application=b, port_id="default").update(port=7999),
     {"ports_held": "no"}),
    (lambda p, b: ListeningPort.objects.filter(application=b, port_id="default").delete(), {"port_ids": "no"}),
    (lambda p, b: Application.objects.filter(pk=b.pk).update(enabled=False, command_line="."),
     {"enabled": "no", "installed": "no"}),
])
def test_what_the_database_says_is_judged(control, pair, spoil, expected):
    control.answers["probe"] = GOOD
    spoil(*pair)
    assert missing(check(pair[0])) == expected


def test_agents_versions_and_hosts_are_warnings(control, pair):
    control.answers["probe"] = GOOD
    HostRuntime.objects.filter(host=pair[1].host).update(status="Disconnected")
    RuntimeStatus.objects.filter(application=pair[1]).update(version="8.5.100.02")
    assert warnings(check(pair[0])) == {"agents": "no", "version": "no"}


def test_a_control_that_is_away_is_an_answer_and_no_error(no_control, pair):
    found = check(pair[0])
    assert missing(found) == {"control": "no", "proof": "unknown"}
    assert "Start control" in next(each.sentence for each in found.missing if each.code == "control")


def test_a_probe_that_control_refuses_proves_nothing(control, pair):
    control.answers["probe"] = PairAnswer(ok=False, reason="MS_Backup is not connected.", advice="Start it.")
    found = check(pair[0])
    assert missing(found) == {"proof": "unknown"}
    assert found.missing[0].sentence == "MS_Backup is not connected. Start it."


def test_a_single_server_has_no_failover(db):
    with pytest.raises(Refused, match="is no member of a pair"):
        check(make_application())


def test_command_exits_0_for_yes_and_1_for_no(control, pair):
    control.answers["probe"] = GOOD
    code, out, _ = run("failover_check", "MS_Backup")
    assert (code, out.splitlines()[-1]) == (0, "Yes: failover would work now.")
    assert out.splitlines()[0] == ("ok  Backup Server with Warm Standby: MS_Primary has the Backup Server MS_Backup, "
                                   "Warm Standby.")
    PairState.objects.update(standby_in_sync=False, reason="Its link was lost.",
                             since=timezone.now() - timedelta(minutes=12))
    Application.objects.update(auto_restart=False)
    code, out, _ = run("failover_check", "MS_Primary")
    assert (code, out.splitlines()[-1]) == (1, "No: 1 condition does not hold.")
    assert ("NO  Standby in sync on record: MS_Backup is not in sync, so it may not take over. Control's last "
            "decision, 12 min ago: Its link was lost. Wait until it has caught up. If it does not, its sync link or "
            "its disk is the reason.") in out
    assert "!   Auto-Restart: Auto-Restart of MS_Primary is off. Auto-Restart of MS_Backup is off." in out
    code, out, _ = run("failover_check", "MS_Primary", "--json")
    body = json.loads(out)
    assert (code, body["works"], body["primary"]) == (1, False, "MS_Primary")
    assert [each["code"] for each in body["conditions"] if each["necessary"] and each["state"] != "ok"] == ["in_sync"]
    assert run("failover_check", "Nobody")[0] == 2


def test_a_member_that_another_account_started_is_found(control, pair):
    control.answers["probe"] = GOOD
    HostRuntime.objects.filter(host=pair[1].host).update(facts={"account": "root"})
    RuntimeStatus.objects.filter(application=pair[1]).update(account="otto")
    assert warnings(check(pair[0])) == {"account": "no"}
    [found] = [each for each in check(pair[0]).warnings if each.code == "account"]
    assert found.sentence == "MS_Backup runs as otto, its agent, whose account it is to have, runs as root."
    Application.objects.filter(pk=pair[1].pk).update(log_on_as="msgsrv")
    assert "its Log On As is msgsrv" in next(e.sentence for e in check(pair[0]).warnings if e.code == "account")
    RuntimeStatus.objects.filter(application=pair[1]).update(account="msgsrv")
    assert warnings(check(pair[0])) == {}


def test_a_database_that_another_program_holds_is_named(transactional_db, control, locked, monkeypatch, settings):
    settings.RECORD_IS_APART = False
    monkeypatch.setattr(database, "beginning", database.WriteProof(database._begin))
    control.answers["probe"] = GOOD
    primary, _ = make_pair()
    with locked():
        [found] = check(primary).missing
    assert (found.code, found.sentence.startswith("Control cannot write its record. Locked: another program")) == (
        "record", True)


def test_what_control_says_of_its_record_is_told(control, pair):
    control.answers["probe"] = replace(GOOD, facts={**GOOD.facts, "database": "Its disk is full."})
    [found] = check(pair[0]).missing
    assert (found.code, found.sentence) == ("record", "Control cannot write its record. Its disk is full.")


def test_with_a_record_of_its_own_control_does_not_wait_for_the_configuration_database(settings):
    settings.RECORD_IS_APART = False
    assert record_trouble(None, LOCKED) == LOCKED
    settings.RECORD_IS_APART = True
    assert record_trouble(None, LOCKED) == ""
    assert record_trouble(PairAnswer(ok=False, facts={"database": "Full."}), "") == "Full."
