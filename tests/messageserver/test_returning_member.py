"""What a returning member of a pair has, cuts back, fetches or removes until both have the same."""

import json

import pytest

from protocol.events import Own
from tests.doubles.stomp import Client

from .pair_of_servers import bodies, lose_beginning

pytestmark = pytest.mark.scenario


def test_a_returning_server_cuts_back_what_only_it_had_and_keeps_it_in_a_file(pair):
    with Client(pair.a.port) as client:
        client.acked("/topic/a", b"both")
        pair.b.kill()
        pair.a.wishes("alone")
        pair.a.record(in_sync=False)
        for number in range(5):
            client.acked("/topic/a", b"alone %d" % number)
    pair.a.kill()
    # Somebody accepts the loss and promotes B.
    pair.restart("B").granted("primary", 2, 30)
    with Client(pair.b.port) as client:
        client.acked("/topic/a", b"after")
    pair.restart("A").granted("backup", 2, 30)
    assert pair.a.control.wait_report(discarded=5)
    assert pair.a.control.wait_event(20007)
    pair.synced(pair.b, pair.a)
    pair.wait_equal()
    kept = [json.loads(line)["body"] for path in (pair.a.directory / "data").glob("discarded-*.jsonl")
            for line in path.read_text().splitlines()]
    assert kept == [f"alone {number}" for number in range(5)]
    assert bodies(pair.b.port, 2) == [b"both", b"after"]


def test_a_member_that_was_away_catches_up_from_the_disk(pair):
    pair.b.kill()
    pair.a.wishes("alone")
    pair.a.record(in_sync=False)
    with Client(pair.a.port) as client:
        for number in range(20_000):
            client.publish("/topic/a", b"x" * 100, **({"receipt": "last"} if number == 19_999 else {}))
        client.expect("RECEIPT")
    pair.restart("B").granted("backup", 1, 30)
    pair.synced(pair.a, pair.b)
    pair.wait_equal()
    assert pair.b.report.last_seq == 20_000


@pytest.mark.long
def test_a_full_copy_is_made_when_the_common_point_is_no_longer_kept(make_pair):
    pair = make_pair(messages={"retention-records": "100"}).in_sync()
    pair.b.kill()
    pair.a.wishes("alone")
    pair.a.record(in_sync=False)
    with Client(pair.a.port) as client:
        for number in range(5000):
            client.publish("/topic/a", b"%d" % number, **({"receipt": "last"} if number == 4999 else {}))
        client.expect("RECEIPT")
        # Retention works once a second; the first message that is kept shows it.
        pair.a.control.wait(lambda: pair.a.report.first_seq > 1)
    pair.restart("B").granted("backup", 1, 30)
    pair.synced(pair.a, pair.b)
    pair.wait_equal()
    assert pair.b.report.last_seq == 5000


@pytest.mark.long
def test_a_standby_that_may_still_be_promoted_is_not_emptied_for_a_full_copy(make_pair):
    pair = make_pair(redundancy={"standby-timeout": "30"}).in_sync()
    with Client(pair.a.port) as client:
        assert [client.acked("/topic/a", b"%d" % number) for number in range(3)] == [1, 2, 3]
        pair.wait_equal()
        pair.a.control.stop()
        pair.b.kill()
        lose_beginning(pair.b.directory, 2)
    pair.restart("B").granted("backup", 1, 30)
    pair.a.says("it needs a full copy")
    assert pair.b.control.wait_report(link="down").last_seq == 3
    pair.a.control.start()
    pair.a.wishes("alone")
    pair.a.record(in_sync=False)
    pair.synced(pair.a, pair.b)
    pair.wait_equal()
    assert (pair.b.report.first_seq, pair.b.report.last_seq) == (1, 3)


@pytest.mark.long
def test_a_copy_that_begins_later_than_it_should_fetches_what_is_missing_before_it_is_in_sync(make_pair):
    pair = make_pair().in_sync()
    with Client(pair.a.port) as client:
        assert [client.acked("/topic/a", b"%d" % number) for number in range(10)] == list(range(1, 11))
        pair.b.kill()
        pair.a.wishes("alone")
        pair.a.record(in_sync=False)
    lose_beginning(pair.b.directory, 10)
    pair.restart("B").granted("backup", 1, 40)
    assert pair.b.control.wait_report(link="catching_up").link == "catching_up"
    pair.synced(pair.a, pair.b)
    pair.wait_equal()
    pair.b.control.wait_event(Own.GAP)
    assert (pair.b.report.first_seq, pair.b.report.first_digest) == (1, "00" * 16)
    pair.a.kill()
    pair.b.granted("primary", 2)
    assert bodies(pair.b.port, 10) == [b"%d" % number for number in range(10)]


def test_the_active_server_decides_what_retention_removes_and_both_say_what_that_was(make_pair):
    pair = make_pair(messages={"retention-records": "100"}).in_sync()
    with Client(pair.a.port) as client:
        for number in range(2000):
            client.publish("/topic/a", b"%d" % number)
        assert client.acked("/topic/a", b"last") == 2001
    for member in (pair.a, pair.b):
        member.control.wait_report(first_seq=1902)
    assert pair.a.report.first_digest == pair.b.report.first_digest
    said = [pair.a.control.wait_event(Own.TRIMMED).text, pair.b.control.wait_event(Own.TRIMMED).text]
    assert said[0].startswith("Records 1 to ")
    assert said[0].endswith("more than 100 are there (option messages/retention-records).")
    assert said[1].endswith("the active server removed them.")


def test_a_standby_removes_nothing_by_itself(make_pair):
    """Its options may be others, and so may its clock."""
    pair = make_pair().in_sync()
    with Client(pair.a.port) as client:
        for number in range(500):
            client.publish("/topic/a", b"%d" % number)
        client.acked("/topic/a", b"last")
    few = {**pair.b.control.application["options"], "messages": {"retention-records": "10"}}
    pair.b.control.configure({**pair.b.control.application, "options": few})
    pair.b.says("retention and log count from now on")
    # Two rounds of what a server does every second.
    before = len(pair.b.control.reports)
    pair.b.control.wait(lambda: len(pair.b.control.reports) > before + 3)
    assert pair.b.report.first_seq == 1


@pytest.mark.long
def test_two_servers_that_were_single_before_become_equal_although_their_epochs_look_alike(make_pair):
    pair = make_pair()
    for member, body in ((pair.a, b"of A"), (pair.b, b"of B")):
        member.granted("primary", 1)
        with Client(member.port) as client:
            client.acked("/topic/a", body)
            client.acked("/topic/a", body)
    pair.b.granted("backup", 2)
    pair.a.granted("primary", 2)
    pair.synced(pair.a, pair.b)
    pair.wait_equal()
    assert pair.b.control.wait_report(discarded=2)
