"""What a server answers about itself to the console, and what it does at its wish."""

import base64
import json
import sqlite3

import pytest

from messageserver import excerpts, reader
from messageserver.excerpts import Look, Wanted, wanted
from messageserver.frames import Refusal
from messageserver.places import Places
from messageserver.questions import ORDERS, PREFIX, QUESTIONS, order, question
from messageserver.records import SCHEMA
from messageserver.rights import Rights
from protocol import console_logins

from .control_double import SECRET

CONSOLE = {"login": console_logins.LOGIN, "passcode": console_logins.passcode(SECRET)}
ASKS = Rights(asks=True)


def ask(client, about: str, **headers):
    """What JSON the answer holds."""
    client.send("SUBSCRIBE", {"id": about, "destination": f"{PREFIX}{about}", "receipt": "asked", **headers})
    answer = client.expect("MESSAGE")
    assert client.expect("RECEIPT").headers["receipt-id"] == "asked"
    return json.loads(answer.body)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_what_only_the_console_may_ask_is_refused_to_others(name):
    headers = {"destination": f"{PREFIX}{name}"}
    assert question(ASKS, headers) is QUESTIONS[name]
    if not QUESTIONS[name].of_clients:
        with pytest.raises(Refusal, match="Only the console"):
            question(Rights(), headers)


@pytest.mark.parametrize("name", sorted(ORDERS))
def test_what_only_the_console_may_tell_is_refused_to_others(name):
    headers = {"destination": f"{PREFIX}{name}{'x' if name.endswith('/') else ''}"}
    assert order(ASKS, headers)[0] is ORDERS[name]
    if not ORDERS[name].of_clients:
        with pytest.raises(Refusal, match="Only the console"):
            order(Rights(), headers)


@pytest.mark.parametrize(("headers", "words"), [
    ({"destination": "/server/weather"}, "does not know /server/weather"),
    ({"destination": "/server/connections", "ack": "client"}, "leave out the header ack")])
def test_what_cannot_be_answered_says_why(headers, words):
    with pytest.raises(Refusal, match=words):
        question(ASKS, headers)


@pytest.mark.parametrize(("headers", "words"), [
    ({"destination": "/server/connections"}, "Nothing can be sent to"),
    ({"destination": "/server/connections/cut", "transaction": "t"}, "leave out the header transaction")])
def test_what_cannot_be_done_says_why(headers, words):
    with pytest.raises(Refusal, match=words):
        order(ASKS, headers)


# --- connections


@pytest.mark.scenario
def test_the_console_sees_who_is_connected_and_cuts_one(server):
    with server.client() as client, server.client(**CONSOLE) as console:
        client.subscribe("/topic/a", "s1", ack="client")
        client.acked("/topic/a", b"x")
        client.expect("MESSAGE")
        said = ask(console, "connections")
        [told] = said["connections"]
        assert (said["total"], said["last_seq"]) == (1, 1)
        assert (told["login"], told["submitted"], told["unread_bytes"], told["version"]) == ("bench", 1, 0, "1.2")
        assert told["session"] == client.connected.headers["session"]
        assert told["peer"].startswith("127.0.0.1:")
        assert told["subscriptions"] == [{"id": "s1", "destination": "/topic/a", "ack": "client", "unacknowledged": 1,
                                          "live": True, "behind": 0}]
        console.send("SEND", {"destination": "/server/connections/cut", "session": told["session"], "by": "ada\n",
                              "receipt": "cut"})
        assert console.expect("RECEIPT").headers["receipt-id"] == "cut"
        told = client.expect("ERROR").headers
        assert "An administrator has cut this connection." in told["message"]
        assert told["retry"] == "true"
        assert ask(console, "connections", id="again")["connections"] == []
        assert console.connected.headers["last-seq"] == "0"
    assert "is cut: ada asked the console for that." in server.output


@pytest.mark.scenario
def test_an_ack_does_not_count_as_a_message_that_was_sent(server):
    with server.client() as client, server.client(**CONSOLE) as console:
        client.send("SUBSCRIBE", {"id": "1", "destination": "/topic/a", "ack": "client", "durable-name": "d"})
        client.send("SEND", {"destination": "/topic/a"}, b"m")
        ident = client.expect("MESSAGE").headers["ack"]
        client.send("ACK", {"id": ident, "receipt": "acked"})
        client.expect("RECEIPT")
        [told] = ask(console, "connections")["connections"]
        assert told["submitted"] == 1


@pytest.mark.scenario
def test_a_connection_that_is_gone_cannot_be_cut_and_nothing_of_it_is_stored(server):
    with server.client(**CONSOLE) as console:
        console.send("SEND", {"destination": "/server/connections/cut", "session": "1-999", "receipt": "cut"})
        error = console.expect("ERROR")
        assert (error.headers["receipt-id"], "has ended already" in error.headers["message"]) == ("cut", True)
    with server.client() as client:
        assert client.connected.headers["last-seq"] == "0"


@pytest.mark.scenario
def test_a_question_is_no_subscription_and_is_ended_like_one(server):
    with server.client(**CONSOLE) as console:
        ask(console, "connections", id="q")
        console.send("UNSUBSCRIBE", {"id": "q", "receipt": "u"})
        assert console.expect("RECEIPT").headers["receipt-id"] == "u"
        assert ask(console, "connections", id="q")["total"] == 0
        console.subscribe("/*", "all")
        console.publish("/topic/a", b"x")
        assert console.expect("MESSAGE").headers["destination"] == "/topic/a"


@pytest.mark.scenario
def test_a_client_that_asks_what_it_may_not_gets_a_sentence(server):
    with server.client() as client:
        client.send("SUBSCRIBE", {"id": "1", "destination": "/server/messages", "of": "/*"})
        assert "Only the console" in client.expect("ERROR").headers["message"]


# --- stored messages


@pytest.mark.scenario
def test_the_console_looks_at_stored_messages_from_the_newest_back(server):
    with server.client() as client, server.client(**CONSOLE) as console:
        for number in range(5):
            client.acked("/topic/a", b"%d" % number, place=f"p{number}")
        client.acked("/topic/b", b"\xff" * 2000)
        said = ask(console, "messages", of="/topic/a", most="2")
        assert [each["seq"] for each in said["messages"]] == [5, 4]
        assert (said["looked_to"], said["last_seq"], said["first_seq"]) == (4, 6, 1)
        [found] = ask(console, "messages", id="2", of="/*", name="place", value="p1")["messages"]
        assert (found["seq"], found["headers"], found["size"]) == (2, "place:p1\n", 1)
        [big] = ask(console, "messages", id="3", of="/topic/b")["messages"]
        assert (big["size"], base64.b64decode(big["beginning"])) == (2000, b"\xff" * excerpts.BEGINNING_BYTES)


@pytest.fixture
def stored():
    """Ten records, one each second from second 100 on, of two destinations in turn, and a mark of the server's own."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(SCHEMA)
    for seq in range(1, 11):
        db.execute("INSERT INTO records VALUES (?, 1, ?, ?, ?, ?, NULL, x'')", (
            seq, 99_000 + seq * 1000, "/topic/odd" if seq % 2 else "/topic/even", b"a:1\nb\\c:%d\n" % (seq // 3), b"x"))
    db.execute("INSERT INTO records VALUES (11, 1, 110000, 'mark:position:x', x'', x'', NULL, x'')")
    Places(db, {}, 1, 11)
    return db


def look(db, **asked) -> tuple[list[int], int]:
    """(seqs found, seq down to which was looked)."""
    looked = Look(wanted({"of": "/*", **asked}, 11), 1)
    while not looked.ended:
        looked.step(db)
    return [each["seq"] for each in looked.found], looked.looked_to


@pytest.mark.parametrize(("asked", "found"), [
    ({}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), ({"of": "/topic/even"}, [10, 8, 6, 4, 2]),
    ({"of": "/topic/o*"}, [9, 7, 5, 3, 1]),
    ({"before": "4"}, [3, 2, 1]), ({"after": "8"}, [10, 9]), ({"since": "107000"}, [10, 9, 8]),
    ({"until": "102000"}, [3, 2, 1]), ({"since": "102000", "until": "103000"}, [4, 3]),
    ({"name": "b:", "value": "3"}, [10, 9]), ({"name": "b\\", "value": "3"}, []),
    ({"name": "b", "value": "3"}, []),
    ({"name": "a", "value": "1", "before": "3"}, [2, 1]), ({"until": "1"}, []), ({"since": "999999"}, [])])
def test_what_is_asked_for_is_found(stored, monkeypatch, asked, found):
    assert look(stored, **asked) == (found, 0)
    # As in the store of a release that kept no places.
    stored.execute("INSERT INTO meta VALUES ('places_from', 99999)")
    for step in (1, 3, 5000):
        monkeypatch.setattr(reader, "SCAN_RECORDS", step)
        assert look(stored, **asked) == (found, 0)


def test_of_many_the_newest_are_told_and_where_the_next_look_begins(stored):
    seqs, looked_to = look(stored, of="/topic/even", most="2")
    assert (seqs, looked_to) == ([10, 8], 8)
    assert look(stored, of="/topic/even", most="2", before=str(looked_to)) == ([6, 4], 4)


def test_a_look_that_was_not_finished_says_how_far_it_came(stored, monkeypatch):
    stored.execute("INSERT INTO meta VALUES ('places_from', 99999)")
    monkeypatch.setattr(reader, "SCAN_RECORDS", 3)
    looked = Look(wanted({"of": "/topic/none"}, 11), 1)
    looked.step(stored)
    assert (looked.found, looked.ended, looked.looked_to) == ([], False, 9)


@pytest.mark.parametrize("headers", [
    {}, {"of": "topic"}, {"of": "/a*b"}, {"of": "/*", "before": "x"}, {"of": "/*", "since": "²"},
    {"of": "/*", "most": "9" * 19}])
def test_a_look_that_makes_no_sense_is_refused(headers):
    with pytest.raises(Refusal):
        wanted(headers, 10)


def test_no_more_is_told_at_once_than_the_bound():
    assert wanted({"of": "/*", "most": "100000"}, 10) == Wanted("/*", 11, 0, None, None, b"", excerpts.MOST)
