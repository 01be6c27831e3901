"""Where a subscription begins, and which messages it chooses, at a real server."""

import contextlib
import itertools
import json
import sqlite3
import time
from datetime import UTC, datetime

import pytest

from messageserver import places
from messageserver.beginnings import LAST_MAX, beginning
from messageserver.frames import Refusal
from messageserver.places import BLOCK
from messageserver.reader import Reader
from messageserver.records import Draft
from messageserver.settings import Retention
from messageserver.store import Store
from tests.doubles.stomp import Client
from tests.ports import free_port
from tests.waiting import wait_for

from .pair_of_servers import SYNC_SECRET, PairOfServers

KEEP_ALL = Retention(records=0, days=0, megabytes=0, dedup_window=1000)
MINUTE_MS = 60_000
NEVER_MS = 10**14


def publish(client, count: int, *destinations: str, **headers) -> None:
    """Messages 1 to ``count`` to ``destinations`` in turn, on disk on return."""
    names = itertools.cycle(destinations)
    for number in range(1, count):
        client.publish(next(names), b"%d" % number, **headers)
    client.acked(next(names), b"%d" % count, **headers)


def numbers(client, count: int) -> list[int]:
    return [int(message.body) for message in client.messages(count)]


@pytest.mark.scenario
@pytest.mark.parametrize(("pattern", "last", "expected"), [
    ("/topic/b", 3, [2994, 2997, 3000]), ("/topic/*", 3, [2998, 2999, 3000]), ("/topic/a", 1, [2999]),
    ("/topic/rare", 5, [0]), ("/topic/none", 5, [])])
def test_the_newest_messages_come_and_then_the_new_ones_without_gap_or_double(server, pattern, last, expected):
    with server.client() as client:
        client.acked("/topic/rare", b"0")
        publish(client, 3000, "/topic/c", "/topic/a", "/topic/b")
        client.subscribe(pattern, last=str(last))
        client.publish(pattern.replace("*", "x"), b"9999")
        assert numbers(client, len(expected) + 1) == [*expected, 9999]


@pytest.mark.scenario
def test_a_time_is_where_a_subscription_begins(server):
    with server.client() as client:
        publish(client, 5, "/topic/a")
        client.subscribe("/topic/a", "first", from_seq="1")
        before = client.messages(5)[-1]
        wait_for(lambda: time.time_ns() // 1_000_000 > int(before.headers["timestamp"]), 5, "another time of the next")
        client.acked("/topic/a", b"6")
        [after] = client.messages(1)
        assert int(after.headers["timestamp"]) > int(before.headers["timestamp"])
        client.send("UNSUBSCRIBE", {"id": "first"})
        moment = int(after.headers["timestamp"])
        iso = datetime.fromtimestamp(moment / 1000, UTC).isoformat()
        for ident, text in (("ms", str(moment)), ("iso", iso)):
            client.subscribe("/topic/a", ident, from_time=text)
            assert numbers(client, 1) == [6]
        client.subscribe("/topic/a", "all", from_time="0")
        assert numbers(client, 6) == [1, 2, 3, 4, 5, 6]
        client.subscribe("/topic/b", "future", from_time=str(NEVER_MS))
        client.publish("/topic/b", b"7")
        assert numbers(client, 1) == [7], "a time to come is now"


@pytest.mark.scenario
def test_only_what_is_chosen_comes_and_takes_a_place_in_the_window(start_server):
    server = start_server(options={"limits": {"max-unacknowledged": "2"}})
    with server.client() as client, server.client() as sender:
        for number in range(20):
            sender.publish("/topic/a", b"%d" % number, colour="red" if number % 5 == 0 else "blue")
        sender.acked("/topic/a", b"20", colour="red")
        client.subscribe("/topic/a", ack="client-individual", selector="colour = 'red'", from_seq="1")
        for expected in (0, 5, 10, 15, 20):
            [message] = client.messages(1)
            assert int(message.body) == expected
            client.send("ACK", {"id": message.headers["ack"]})
        for number in range(21, 30):
            sender.publish("/topic/a", b"%d" % number, colour="blue")
        sender.acked("/topic/a", b"30", colour="red")
        assert numbers(client, 1) == [30], "live as well"
        client.subscribe("/topic/a", "newest", selector="colour <> 'blue'", last="2")
        assert numbers(client, 2) == [20, 30]
        client.send("UNSUBSCRIBE", {"id": "newest"})
        client.send("UNSUBSCRIBE", {"id": "s"})
        client.subscribe("/topic/a", "every")
        sender.publish("/topic/a", b"31", colour="blue")
        assert numbers(client, 1) == [31]


@pytest.mark.scenario
def test_destinations_are_told_with_their_first_and_last_message(server):
    def asked(**headers) -> dict:
        client.send("SUBSCRIBE", {"id": "q", "destination": "/server/destinations", **headers})
        answer = json.loads(client.expect("MESSAGE").body)
        client.send("UNSUBSCRIBE", {"id": "q"})
        for each in answer["destinations"]:
            assert time.time() * 1000 - MINUTE_MS < each["last_time"] < time.time() * 1000 + MINUTE_MS
        return {"more": answer["more"], "found": [(each["destination"], each["first_seq"], each["last_seq"])
                                                  for each in answer["destinations"]]}

    with server.client() as client:
        publish(client, 2100, "/topic/a", "/queue/b")
        publish(client, 3, "/topic/c")
        assert asked() == {"more": False, "found": [("/queue/b", 2, 2100), ("/topic/a", 1, 2099),
                                                    ("/topic/c", 2101, 2103)]}
        assert asked(prefix="/topic/")["found"] == [("/topic/a", 1, 2099), ("/topic/c", 2101, 2103)]
        assert asked(most="1") == {"more": True, "found": [("/queue/b", 2, 2100)]}
        assert asked(most="1", after="/queue/b", prefix="/") == {"more": True, "found": [("/topic/a", 1, 2099)]}
        assert asked(prefix="/topic/none") == {"more": False, "found": []}


@pytest.mark.scenario
def test_a_store_of_a_former_release_is_read_at_once_and_filled_in(server):
    count = 12 * BLOCK
    with server.client() as client:
        client.acked("/topic/rare", b"0")
        publish(client, count, "/topic/a")
    server.signal(15)
    server.wait()
    path = server.directory / "data" / "messages.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE places")
        db.execute("DELETE FROM meta WHERE key IN (?, ?)", (places.WHOLE_FROM, places.MARK))
        db.commit()
    server.restart()
    with server.client() as client:
        client.subscribe("/topic/rare", from_seq="1")
        assert numbers(client, 1) == [0]
        client.publish("/topic/rare", b"1")
        assert numbers(client, 1) == [1]
    with contextlib.closing(sqlite3.connect(path)) as db:
        wait_for(lambda: places.whole_from(db) <= 1, 15, "places of all that is stored")
        assert places.blocks(db, 0, (count + 2) // BLOCK, "/topic/rare", 9) == [0, (count + 2) // BLOCK]
    with server.client() as client:
        client.subscribe("/topic/rare", from_seq="1")
        assert numbers(client, 2) == [0, 1]


@pytest.mark.scenario
def test_a_standby_that_was_cut_back_finds_what_it_has_by_its_places(tmp_path):
    pair = PairOfServers(tmp_path, [free_port() for _ in range(4)], {}, (SYNC_SECRET, SYNC_SECRET)).in_sync()
    try:
        with Client(pair.a.port) as client:
            publish(client, BLOCK - 10, "/topic/a")
            client.acked("/topic/both", b"1")
            pair.b.kill()
            pair.a.wishes("alone")
            pair.a.record(in_sync=False)
            publish(client, BLOCK, "/topic/lost")
        pair.a.kill()
        # Somebody accepts the loss and promotes B.
        pair.restart("B").granted("primary", 2, 30)
        with Client(pair.b.port) as client:
            client.acked("/topic/both", b"2")
            publish(client, BLOCK, "/topic/after")
            client.acked("/topic/both", b"3")
        pair.restart("A").granted("backup", 2, 30)
        pair.synced(pair.b, pair.a)
        pair.wait_equal()
        pair.b.kill()
        pair.a.granted("primary", 3, 50)
        with Client(pair.a.port) as client:
            client.subscribe("/topic/both", from_seq="1")
            assert numbers(client, 3) == [1, 2, 3]
            client.subscribe("/topic/lost", "lost", from_seq="1")
            client.subscribe("/topic/after", "after", last="1")
            assert numbers(client, 1) == [BLOCK]
    finally:
        pair.end()


def test_a_time_is_found_where_the_clock_went_on_and_also_where_it_was_set_back(tmp_path, monkeypatch):
    store = Store(tmp_path, KEEP_ALL)
    store.grant("primary", 1, 1)
    reader = Reader(tmp_path)
    for at in (10, 20, 20, 30, 15, 40):
        monkeypatch.setattr("time.time_ns", lambda at=at: at * 1_000_000)
        store.append([Draft("/topic/a", b"", b"x")], 1)
    assert [reader.first_at(at, 6) for at in (0, 10, 11, 20, 40, 41)] == [1, 1, 2, 2, 6, 7]
    assert reader.first_at(25, 6) in (4, 6), "a record that is not older and follows one that is"
    assert reader.first_at(5, 0) == 1
    reader.close()
    store.close()


@pytest.mark.parametrize(("headers", "words"), [
    ({"from-time": "2026-11-30T12:00:00"}, "with its zone"), ({"from-time": "-5"}, "ISO 8601"),
    ({"from-time": ""}, "ISO 8601"),
    ({"last": "0"}, f"from 1 to {LAST_MAX}"), ({"last": str(LAST_MAX + 1)}, f"to {LAST_MAX}"),
    ({"last": "-1"}, "number of messages"),
    ({"last": "1", "from-time": "1"}, "either from-time or last"),
    ({"last": "1", "from-time": "1", "from-seq": "1"}, "either from-seq or from-time or last")])
def test_a_beginning_that_is_none_says_why(headers, words):
    with pytest.raises(Refusal, match=words):
        beginning(headers, 10)
