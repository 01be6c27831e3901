"""An older database is put back: nothing is promoted on its word, and people find the way out (docs/adr/0016)."""

import json

import pytest

from .backups import Backup
from .harness import wait_for
from .pairs import Pair

WAY_OUT = "Restored Database"


@pytest.fixture(scope="module")
def module_pair(own_site):
    """On a site of its own: an older database is older for every pair in it."""
    return Pair(own_site, "restored")


def asked(pair, *arguments, code=0) -> dict:
    done = pair.site.pairwise.manage(*arguments, "--json", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def told(pair) -> dict[str, int] | None:
    """{member: records of the other one that it lacks}; None before both have told what they have."""
    members = asked(pair, "restored", pair.members[0].name, code=1)["members"]
    return None if None in [each["lost"] for each in members] else {each["name"]: each["lost"] for each in members}


def codes(pair) -> set[str]:
    return {finding["code"] for finding in pair.site.pairwise.ask("audit", name=pair.members[0].name)["findings"]}


@pytest.mark.long
def test_the_member_that_knows_less_returns_first_and_is_not_promoted(pair, tmp_path):
    active, standby = pair.members
    with pair.ledger() as ledger:
        backup = Backup(pair.site.pairwise, tmp_path / "backup")
        standby.stop()
        ledger.wait_acknowledged(200)
        ledger.drain()
        active.stop()
        backup.put_back(elsewhere=True)
        disputed = pair.wait("a dispute", disputed=True)
        assert WAY_OUT in disputed["reason"]
        started = pair.site.pairwise.ask("start", name=standby.name)["facts"]["job"]
        ended = pair.site.wait_job(started)
        assert ended["state"] == "failed"
        assert f"{active.name} might know more" in ended["reason"]
        assert WAY_OUT in ended["reason"]
        facts = standby.wait("Initializing")
        assert (facts["mode"], pair.facts()["in_sync"], pair.facts()["epoch"]) == ("", False, disputed["epoch"])

        # What would be lost cannot be told while the one that knows more is away, so its name has to be typed.
        refused = asked(pair, "restored", standby.name, "--server", standby.name, code=2)["refusals"][0]
        assert active.name in refused["message"]

        pair.site.pairwise.ask("start", name=active.name)
        lost = wait_for(lambda: told(pair), 20, "what both members have")
        assert lost[active.name] == 0
        assert lost[standby.name] >= 200
        asked(pair, "restored", active.name, "--server", active.name)
        pair.wait_whole(by=active)
        assert ledger.check() > 200
        assert [member.facts()["discarded"] for member in pair.members] == [0, 0]
        assert asked(pair, "failover_check", active.name)["works"]


@pytest.mark.long
def test_the_newer_database_is_lost_and_the_pair_goes_on_by_the_way_out(pair, tmp_path):
    with pair.ledger() as ledger:
        backup = Backup(pair.site.pairwise, tmp_path / "backup")
        for _ in range(3):
            pair.switch_over()
            pair.wait_whole()
        active = pair.active
        ledger.wait_acknowledged(50)
        backup.put_back()
        pair.wait("a dispute", disputed=True, in_sync=False)
        # Both are there, and who serves goes on with it.
        ledger.wait_acknowledged(50)
        wait_for(lambda: all(member.facts()["heard_s"] is not None for member in pair.members), 10, "both heard of")
        verdict = asked(pair, "failover_check", active.name, code=1)
        advice = {each["code"]: each["advice"] for each in verdict["conditions"]}
        assert WAY_OUT in advice["undisputed"]
        assert "A65" in codes(pair)
        for verb, more in (("pause", {"reason": "work"}), ("promote", {"accept_data_loss": pair.facts()["active"]})):
            answer = pair.ask(verb, **more)
            assert not answer["ok"]
            assert WAY_OUT in answer["reason"]
        other = pair.other(active)
        refused = asked(pair, "restored", active.name, "--server", other.name, code=2)["refusals"][0]
        assert f"{active.name} serves" in refused["message"]
        asked(pair, "restored", active.name, "--server", active.name, "--reason", "the newer one is lost")
        pair.wait_whole(by=active)
        assert ledger.check() > 100
        pair.wait_equal_copies()
        assert "A65" not in codes(pair)
        assert asked(pair, "restored")["disputed"] == []
