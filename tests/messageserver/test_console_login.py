"""The console's own login: it reads and writes everything, whatever clients are configured, and is none of them."""

import pytest

from messageserver.rights import internal
from protocol import console_logins

from .control_double import SECRET

PASSCODE = console_logins.passcode(SECRET)
CREDENTIAL = {"login": console_logins.LOGIN, "passcode": PASSCODE}


@pytest.mark.parametrize(("secret", "login", "passcode", "opened"), [
    (SECRET, console_logins.LOGIN, PASSCODE, True), ("another", console_logins.LOGIN, PASSCODE, False),
    ("", console_logins.LOGIN, console_logins.passcode(""), False), (SECRET, console_logins.LOGIN, "guessed", False),
    (SECRET, "pairwise.console.x", console_logins.passcode(SECRET, "pairwise.console.x"), False),
    (SECRET, "bench", console_logins.passcode(SECRET, "bench"), False)])
def test_it_opens_the_server_with_the_secret_that_it_was_made_of(secret, login, passcode, opened):
    assert console_logins.opens(secret, login, passcode) == opened


def test_it_alone_asks_the_server_about_itself():
    assert internal(CREDENTIAL, SECRET, 0.0).asks
    assert internal({"login": "pairwise.consoles"}, SECRET, 0.0) is None


@pytest.mark.scenario
def test_it_takes_no_place_of_a_client_and_is_not_counted_as_one(start_server):
    server = start_server(options={"limits": {"max-connections": "1"}})
    with server.client(), server.client(**CREDENTIAL) as console:
        console.subscribe("/*")
        console.publish("/topic/a", b"x", receipt="1")
        console.expect("RECEIPT")
        assert console.expect("MESSAGE").body == b"x"
        server.control.wait_report(clients=1)


@pytest.mark.scenario
def test_the_login_of_another_console_is_refused_with_a_sentence(server):
    with server.client(connect=False) as client:
        client.send("CONNECT", {"accept-version": "1.2", "login": console_logins.LOGIN, "passcode": "guessed"})
        assert "another secret" in client.expect("ERROR").headers["message"]
