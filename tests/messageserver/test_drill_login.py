"""The login of a failover drill: made of the application's secret, for one destination, for a while."""

import time

import pytest

from protocol import auth, drills

from .control_double import SECRET

KEY = "0123456789abcdef"
HERE = drills.destination_of(KEY)


def credential(secret=SECRET, *, key=KEY, ends_in_s=60):
    login = drills.login_of(key, int(time.time()) + ends_in_s)
    return {"login": login, "passcode": auth.drill_passcode(secret, login)}


@pytest.mark.parametrize(("secret", "changed", "opened"), [
    (SECRET, {}, HERE), ("another", {}, ""), ("", {}, ""), (SECRET, {"passcode": "guessed"}, ""),
    (SECRET, {"login": f"pairwise.drill.{KEY}.9999999999"}, ""), (SECRET, {"login": "pairwise.drill.x/*.1"}, "")])
def test_a_login_opens_its_destination_at_the_server_with_that_secret_and_only_as_it_was_made(secret, changed, opened):
    assert drills.opens(secret, **{**credential(), **changed}, now=time.time()) == opened


def test_a_login_ends_by_itself():
    given = credential()
    assert drills.opens(SECRET, **given, now=time.time() + 50)
    assert not drills.opens(SECRET, **given, now=time.time() + 70)


@pytest.mark.scenario
def test_a_drill_sends_and_reads_at_its_destination_though_no_client_is_configured(start_server):
    server = start_server(options={"clients": {}})
    with server.client(**credential()) as client:
        client.subscribe(HERE)
        client.publish(HERE, b"1", receipt="1", dedup_id="d-1")
        assert {client.next().command, client.next().command} == {"RECEIPT", "MESSAGE"}


@pytest.mark.scenario
@pytest.mark.parametrize("ask", [
    lambda client: client.publish("/topic/orders", b"x", receipt="1"),
    lambda client: client.send("SUBSCRIBE", {"id": "s", "destination": "/topic/*"})])
def test_a_drill_reaches_nothing_else(server, ask):
    with server.client(**credential()) as client:
        ask(client)
        assert "nothing else" in client.expect("ERROR").headers["message"]


@pytest.mark.scenario
def test_a_drill_of_another_application_is_refused_with_a_sentence(server):
    with server.client(connect=False) as client:
        client.send("CONNECT", {"accept-version": "1.2", **credential("another")})
        assert "another secret" in client.expect("ERROR").headers["message"]
