"""What clients may, and passcodes that the options keep as hashes, at a real server."""

import json

import pytest

from messageserver.rights import Rights, of_client
from messageserver.session import Session
from messageserver.stomp import Sends
from protocol.client_logins import ClientRights, hashed
from tests.doubles.stomp import Client

from .conftest import application

PASSCODES = {"ann": "passcode-of-ann", "bob": "passcode-of-bob", "bench": "benchpass"}
RIGHTS = {"ann": "read=/topic/orders*, /queue/x; write=/topic/orders.new", "bob": "read=; write="}
OPTIONS = {"clients": {**PASSCODES, "ann": hashed(PASSCODES["ann"])}, "client-rights": RIGHTS}


@pytest.fixture
def limited(start_server):
    return start_server(options=OPTIONS)


def as_login(server, login, **headers) -> Client:
    return server.client(login=login, passcode=PASSCODES[login], **headers)


def change(server, **options):
    changed = application(server.port, options={**OPTIONS, **options})
    server.control.configure(changed)


def subscribe(destination):
    return lambda client: client.send("SUBSCRIBE", {"id": "s", "destination": destination, "receipt": "s"})


def send(destination):
    return lambda client: client.publish(destination, b"x", receipt="s")


def send_many(*destinations):
    """By columns: as plain SENDs that come together."""
    return lambda client: client.raw(b"".join(
        b"SEND\ndestination:%b\nreceipt:s\ncontent-length:1\n\nx\0" % each.encode() for each in destinations))


@pytest.mark.scenario
def test_a_login_reads_and_sends_what_its_entry_says(limited):
    for ask in (subscribe("/topic/orders"), subscribe("/topic/orders.*"), subscribe("/topic/orders*"),
                subscribe("/queue/x"), send("/topic/orders.new"), send_many(*["/topic/orders.new"] * 3)):
        with as_login(limited, "ann") as client:
            ask(client)
            assert client.expect("RECEIPT").headers["receipt-id"] == "s"


REFUSED = (
    ("ann", subscribe("/topic/*"), "may not read '/topic/*'"), ("ann", subscribe("/queue/x*"), "may not read"),
    ("ann", subscribe("/topic/other"), "may not read"), ("ann", send("/topic/orders"), "may not send to"),
    ("ann", send("/topic/orders.new.2"), "may not send to '/topic/orders.new.2'"),
    ("ann", send_many("/topic/orders.old", "/topic/orders.new"), "may not send to '/topic/orders.old'"),
    ("bob", subscribe("/topic/a"), "section client-rights"),
    ("bob", send_many("/topic/a", "/topic/a"), "The login 'bob'"))


@pytest.mark.scenario
def test_anything_else_is_an_error_with_a_sentence_and_not_stored(limited):
    for login, ask, words in REFUSED:
        with as_login(limited, login) as client:
            ask(client)
            assert words in client.expect("ERROR").headers["message"]
    with as_login(limited, "bench") as client:
        assert client.acked("/topic/end", b"") == 1


POSITION_OF_OTHERS = (
    ("SUBSCRIBE", {"id": "s", "destination": "/topic/orders", "durable-name": "audit"}),
    ("UNSUBSCRIBE", {"durable-name": "audit"}), ("SEND", {"destination": "/server/positions/audit", "delete": "true"}),
    ("SEND", {"destination": "/server/positions/audit", "seq": "0"}))


@pytest.mark.scenario
def test_a_position_of_what_a_login_may_not_read_is_not_told_of_taken_or_changed(limited):
    with as_login(limited, "bench") as client:
        client.subscribe("/topic/salaries", durable_name="audit", selector="grade = 'A'")
        client.send("DISCONNECT", {"receipt": "end"})
        client.expect("RECEIPT")
    for command, headers in POSITION_OF_OTHERS:
        with as_login(limited, "ann") as client:
            client.send(command, headers)
            said = client.expect("ERROR").headers["message"]
            assert "this login may not read" in said
            assert not any(word in said for word in ("salaries", "grade"))
    with as_login(limited, "bench") as client:
        client.send("SUBSCRIBE", {"id": "ask", "destination": "/server/positions"})
        assert json.loads(client.expect("MESSAGE").body)["positions"][0]["destination"] == "/topic/salaries"


@pytest.mark.scenario
def test_a_changed_right_closes_the_connections_of_its_login_alone(limited):
    with as_login(limited, "ann") as ann, as_login(limited, "bob") as bob:
        change(limited, **{"client-rights": {**RIGHTS, "ann": "read=/topic/orders*"}})
        assert "what it may, was changed" in ann.expect("ERROR").headers["message"]
        bob.send("DISCONNECT", {"receipt": "1"})
        bob.expect("RECEIPT")


@pytest.mark.scenario
def test_a_passcode_that_is_kept_as_a_hash_opens_by_itself_alone(limited):
    for passcode, answer in ((PASSCODES["ann"], "CONNECTED"), (OPTIONS["clients"]["ann"], "ERROR")):
        with limited.client(connect=False) as client:
            client.connect(login="ann", passcode=passcode)
            client.expect(answer)


@pytest.mark.parametrize(("rights", "destinations", "together"), [
    (Rights(), ["/topic/a"], True), (of_client("ann", ClientRights((), ("/topic/a", "/topic/b*"))), ["/topic/a"], True),
    (of_client("ann", ClientRights((), ("/topic/a",))), ["/topic/a", "/topic/b"], False)])
def test_clients_with_rights_of_their_own_are_taken_by_columns_as_far_as_those_go(rights, destinations, together):
    """One by one they would be several times as slow."""
    taken = []

    class Taking(Session):
        def __init__(self):
            self.connected, self._rights = True, rights
            self._storing = type("Storing", (), {"unavailable": ""})()
            self.broker = type("Broker", (), {"suspending": False,
                                              "submit_all": lambda _, *given: taken.append(given)})()

    count = len(destinations)
    assert Taking().take_together(Sends(destinations, [b""] * count, [None] * count, [None] * count)) == together
    assert bool(taken) == together
