"""The centralized log at the server: what is a record, and what its own logins may do."""


import pytest

from messageserver.rights import internal
from protocol import log_logins
from tests.waiting import wait_for

from .control_double import SECRET

MS = log_logins.server("MS")
RECORD = {"event": "00-04504", "application": "MS"}


def credential(login, secret=SECRET):
    return {"login": login, "passcode": log_logins.passcode(secret, login)}


def subscribe(client, destination):
    client.send("SUBSCRIBE", {"id": "s", "destination": destination})


@pytest.mark.parametrize(("login", "secret", "opened"), [
    (MS, SECRET, True), (log_logins.READER, SECRET, True), (log_logins.CONSOLE, SECRET, True), (MS, "another", False),
    (MS, "", False), (log_logins.server(""), SECRET, False), ("pairwise.log.publisher.x", SECRET, False),
    ("pairwise.log.other", SECRET, False),
    ("pairwise.log.", SECRET, False), ("bench", SECRET, False)])
def test_a_login_opens_the_server_with_the_secret_that_it_was_made_of(login, secret, opened):
    assert log_logins.opens(secret, login, log_logins.passcode(SECRET, login)) == opened
    assert not log_logins.opens(SECRET, login, "guessed")


@pytest.mark.scenario
def test_a_record_goes_from_its_publisher_to_the_reader_though_no_client_is_configured(start_server):
    server = start_server(options={"clients": {}})
    with server.client(**credential(MS)) as publisher, server.client(**credential(log_logins.READER)) as reader:
        reader.subscribe("/log/*", from_seq="1")
        publisher.publish("/log/standard", b"lost", receipt="1", host="alpha", **RECORD, **{"attr.peer": "x"})
        publisher.expect("RECEIPT")
        message = reader.expect("MESSAGE")
    assert (message.headers["destination"], message.body) == ("/log/standard", b"lost")
    assert {**message.headers, **RECORD, "host": "alpha", "attr.peer": "x"} == message.headers
    assert "login" not in message.headers


@pytest.mark.scenario
@pytest.mark.parametrize(("login", "ask", "words"), [
    (MS, lambda client: client.publish("/topic/a", b"x"), "sends to /log/* and nothing else"),
    (MS, lambda client: subscribe(client, "/log/*"), "reads nothing"),
    (log_logins.READER, lambda client: client.publish("/log/alarm", b"x", **RECORD), "sends to nothing"),
    (log_logins.READER, lambda client: subscribe(client, "/*"), "reads /log/* and nothing else"),
    (MS, lambda client: client.publish("/log/alarm", b"x", category="audit", **RECORD), "the console's own"),
    (MS, lambda client: client.publish("/log/alarm", b"x", **RECORD | {"application": "MS2"}), "not what MS2 does"),
    (MS, lambda client: client.publish("/log/alarm", b"x", **RECORD, **{"dedup-id": "pairwise-x"}), "another one"),
    (log_logins.agent("alpha"), lambda client: client.publish("/log/alarm", b"x", **RECORD), "not what MS does"),
    (log_logins.agent("alpha"), lambda client: client.publish(
        "/log/alarm", b"x", **RECORD | {"application": "LCA", "host": "beta"}), "not what LCA on beta does"),
    ("bench", lambda client: client.publish("/log/alarm", b"x", **RECORD, **{"dedup-id": "pairwise-1"}), "another one"),
    ("bench", lambda client: client.publish("/log/alarm", b"x", category="audit", **RECORD), "the console's own")])
def test_each_login_does_what_it_is_for(server, login, ask, words):
    with server.client(**(credential(login) if login != "bench" else {})) as client:
        ask(client)
        assert words in client.expect("ERROR").headers["message"]


@pytest.mark.scenario
def test_only_the_console_tells_of_what_people_did(server):
    with server.client(**credential(log_logins.CONSOLE)) as client:
        client.publish("/log/standard", b"x", receipt="1", category="audit", **RECORD)
        assert client.next().command == "RECEIPT"


@pytest.mark.scenario
def test_a_clients_record_carries_its_login_whatever_it_says_itself(server):
    with server.client() as client:
        client.subscribe("/log/*")
        client.publish("/log/standard", b"x", login="somebody", **RECORD)
        assert client.expect("MESSAGE").headers["login"] == "bench"


@pytest.mark.scenario
@pytest.mark.parametrize(("destination", "changed", "words"), [
    ("/log/foo", {}, "/log/foo is no log level"), ("/log/standard", {"event": "x"}, "needs the header event")])
def test_what_is_no_record_is_refused_however_it_is_sent(server, destination, changed, words):
    with server.client() as client:
        client.publish(destination, b"x", **(RECORD | changed))
        assert words in client.expect("ERROR").headers["message"]
    with server.client() as client:
        client.raw(b"".join(b"SEND\ndestination:/log/standard\n\n%d\0" % n for n in range(50)))
        assert "needs the header event" in client.expect("ERROR").headers["message"]


@pytest.mark.scenario
def test_the_login_of_another_application_is_refused_with_a_sentence(server):
    with server.client(connect=False) as client:
        client.send("CONNECT", {"accept-version": "1.2", **credential(MS, "another")})
        assert "another secret" in client.expect("ERROR").headers["message"]


@pytest.mark.scenario
def test_publishers_take_no_place_of_a_client_and_clients_none_of_theirs(start_server):
    """After a failover all of them come at once, and more of them than there are places."""
    server = start_server(options={"clients": {"bench": "benchpass"}, "limits": {"max-connections": "1"}})
    with server.client(**credential(MS)) as publisher, server.client():
        for login in (credential(MS), {}):
            with server.client(connect=False) as one_more:
                one_more.send("CONNECT", {"accept-version": "1.2", "login": "bench", "passcode": "benchpass"} | login)
                assert "The server has 1 connections already" in one_more.expect("ERROR").headers["message"]
        publisher.publish("/log/standard", b"x", receipt="1", **RECORD)
        assert publisher.next().command == "RECEIPT"


@pytest.mark.scenario
def test_a_login_that_is_refused_again_and_again_is_told_once(server):
    """The console tries for ever, and what the server says of it is published there."""
    for _ in range(5):
        with server.client(connect=False) as client:
            client.send("CONNECT", {"accept-version": "1.2", **credential(log_logins.READER, "another")})
            client.expect("ERROR")

    def told():
        """Where the console hears of it; a trace of each connection is in the server's own log alone."""
        return [line for line in server.output.splitlines() if " Std " in line and "another secret" in line]

    wait_for(told, 5, "the refusal in the log")
    assert len(told()) == 1


def test_what_anybody_may_call_is_not_the_console():
    """A record of the category audit is nothing that `manage.py logmsg` can say."""
    assert not internal(credential(log_logins.PROGRAMS), SECRET, 0.0).audits
    assert internal(credential(log_logins.CONSOLE), SECRET, 0.0).audits
