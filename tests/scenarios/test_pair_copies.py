"""A pair whose disks fill up, whose copies part, and what people do to it (docs/failover.md, by S-number)."""

import json
import time

import pytest

from .harness import wait_for
from .pairs import LOGIN, PASSCODE, Pair, measured, tell, under_load
from .readback import read_back

LARGE = {"size": 4000, "rate": 200}
"""Small disks fill up fast, and a full disk is noticed at once."""
SILENT_S = 8.0


@pytest.fixture(scope="module")
def module_pair(site):
    made = Pair(site, "copies", small_disk=True, options={"messages": {"retention-mb": "28"}})
    yield made
    made.stop()


def test_s43_a_primary_that_cannot_store_hands_over_and_comes_back_as_backup_when_there_is_room(pair):
    first, second = pair.members
    with under_load(pair, **LARGE) as ledger:
        fault = ledger.fault(first.fill_disk)
        pair.wait("takeover", active=second.name)
        measured("S43", fault, below_s=SILENT_S)
        ledger.wait_acknowledged(50)
        facts = first.wait("Service Unavailable")
        assert "full" in facts["reason"]
        first.empty_disk()


@pytest.mark.long
def test_s43_a_standby_that_cannot_store_is_left_behind_and_catches_up_when_there_is_room(pair):
    first, second = pair.members
    with under_load(pair, **LARGE) as ledger:
        fault = ledger.fault(second.fill_disk)
        pair.wait("alone", in_sync=False)
        measured("S43, standby", fault, below_s=SILENT_S)
        ledger.wait_acknowledged(50)
        assert "full" in second.wait("Service Unavailable")["reason"]
        assert pair.active is first
        second.empty_disk()


@pytest.mark.long
def test_s43_with_both_disks_full_nothing_is_acknowledged_until_the_active_one_has_room(pair):
    with under_load(pair, **LARGE) as ledger:
        fault = ledger.fault(*(member.fill_disk for member in pair.members), ledger.wait_silence)
        # The second may be granted the role before it has noticed that it cannot store that, and keeps it then.
        for member in pair.members:
            assert "full" in member.wait("Service Unavailable")["reason"]
        ledger.stays_silent(2)
        pair.active.empty_disk()
        tell("S43, both", fault.outage())
        for member in pair.members:
            member.empty_disk()


def backlog(pair, seconds: float = 2.0):
    """A ledger that has published much in a short time."""
    ledger = pair.ledger(rate=20_000, window=500, publishers=4)
    ledger.__enter__()
    time.sleep(seconds)
    ledger.drain()
    return ledger


@pytest.mark.long
def test_s26_a_standby_that_dies_during_its_first_copy_begins_again(pair):
    _, second = pair.members
    second.stop()
    second.wipe()
    ledger = backlog(pair)
    second.start()
    wait_for(lambda: second.facts()["link"] == "catching_up" or pair.facts()["in_sync"], 20, "the copy", every=0.01)
    second.kill()
    pair.wait_whole()
    ledger.check()
    pair.wait_equal_copies()


@pytest.mark.long
def test_s26_s45_a_primary_that_dies_during_the_first_copy_is_not_replaced_by_half_a_copy(pair):
    first, second = pair.members
    second.stop()
    second.wipe()
    ledger = backlog(pair)
    second.start()
    wait_for(lambda: second.facts()["last_seq"] > 0, 20, "the beginning of the copy", every=0.01)
    # While it stands still, what control knows of the copy stays as it is until the primary is gone.
    second.freeze()
    in_time = not pair.facts()["in_sync"]
    first.kill()
    second.thaw()
    pair.wait_whole()
    if in_time:
        assert pair.active is first
    ledger.check()
    pair.wait_equal_copies()


@pytest.mark.long
def test_a_standby_that_lost_its_messages_gets_all_of_them_again(pair):
    _, second = pair.members
    with under_load(pair) as ledger:
        second.stop()
        ledger.wait_acknowledged(200)
        second.wipe()
        second.start()
        pair.wait_whole()
        pair.switch_over()
        ledger.wait_acknowledged(50)


@pytest.mark.long
def test_s33_strict_blocks_senders_while_the_standby_is_away_and_loses_nothing(pair):
    _, second = pair.members
    pair.change(options={"redundancy": {"strict": "true"}})
    try:
        with under_load(pair) as ledger:
            fault = ledger.fault(second.stop, ledger.wait_silence)
            ledger.stays_silent(2)
            second.start()
            tell("S33, while the standby was away", fault.outage())
    finally:
        pair.change(options={"redundancy": {"strict": "false"}})


def test_s34_a_standby_that_is_not_in_sync_is_promoted_only_by_typing_what_is_lost(pair):
    first, second = pair.members
    manage = pair.site.pairwise.manage
    with pair.ledger() as ledger:
        ledger.wait_acknowledged(50)
        safe = sent_by(ledger)
        second.stop()
        pair.wait("alone", in_sync=False)
        ledger.wait_acknowledged(100)
        ledger.drain()
        first.host.power_off()
        second.start()
        refused = manage("promote", first.name, "--accept-data-loss", "yes", check=False)
        assert refused.returncode == 2
        assert first.name in refused.stderr
        assert pair.active is first

        def promoted():
            """Not before control has missed the host that is off."""
            answer = manage("promote", first.name, "--accept-data-loss", first.name, "--json", check=False)
            assert answer.returncode == 0 or "serves. Use Switch Over" in answer.stderr
            return json.loads(answer.stdout) if answer.returncode == 0 else None

        assert wait_for(promoted, 10, "the standby is promoted")["active"] == second.name
    with pair.ledger() as later:
        later.wait_acknowledged(50)
        first.host.boot()
        pair.wait_whole()
        later.check()
    pair.wait_equal_copies()
    kept = {dedup_id for dedup_id in discarded_by(first) if dedup_id.startswith(f"{ledger.name}-")}
    lost = sent_by(ledger) - present(pair, ledger)
    assert lost == kept
    assert lost
    assert not lost & safe
    assert first.facts()["discarded"] >= len(lost)


def sent_by(ledger) -> set[str]:
    """dedup-ids of what was acknowledged until now."""
    return {book.dedup_id(number) for book in ledger.books for number in tuple(book.seqs)}


def present(pair, ledger) -> set[str]:
    books = {book.destination: book for book in ledger.books}
    messages = read_back(pair.addresses, LOGIN, PASSCODE, ledger.name)
    found = [books[message.destination].dedup_id(message.number) for message in messages]
    assert len(found) == len(set(found))
    return set(found)


def discarded_by(member) -> list[str]:
    """dedup-ids in the files that it keeps of what it had to give up."""
    return [json.loads(line)["dedup-id"] or "" for path in (member.files / "data").glob("discarded-*.jsonl")
            for line in path.read_text().splitlines()]


@pytest.mark.long
def test_s35_paused_for_maintenance_a_killed_primary_is_restarted_and_not_replaced(pair):
    first, second = pair.members
    manage = pair.site.pairwise.manage
    manage("pause_failover", first.name, "--reason", "maintenance of the switch")
    try:
        with under_load(pair) as ledger:
            assert not pair.facts()["automatic_failover"]
            fault = ledger.fault(first.kill)
            tell("S35, paused", fault.outage())
            assert pair.active is first
            pair.wait_whole()
            manage("resume_failover", first.name)
            fault = ledger.fault(first.kill)
            pair.wait("takeover", active=second.name)
            assert fault.outage() < SILENT_S
    finally:
        manage("resume_failover", first.name, check=False)


@pytest.mark.long
def test_s35_a_backup_stopped_for_maintenance_catches_up_with_what_was_written_meanwhile(pair):
    _, second = pair.members
    with under_load(pair, rate=2000, window=100) as ledger:
        second.stop()
        ledger.wait_acknowledged(2000)
        second.start()


@pytest.mark.long
def test_s35_a_primary_stopped_for_maintenance_hands_over(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        fault = ledger.fault(first.stop)
        tell("S35, stop", fault.outage())
        assert pair.active is second
        ledger.wait_acknowledged(50)
        first.start()


@pytest.mark.long
def test_s40_each_member_installed_again_in_turn_costs_a_switchover(pair):
    first, second = pair.members
    with under_load(pair) as ledger:
        outages = []
        for member in (second, first):
            if pair.active is member:
                outages.append(ledger.fault(pair.switch_over).outage())
                pair.wait_whole()
            for verb in ("stop", "install", "start"):
                pair.site.run_jobs(verb, member.name)
            pair.wait_whole()
        tell("S40", max(outages))
