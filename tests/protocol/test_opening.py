"""How two sides open a connection with somebody between them who changes what they say, and with former releases."""

import dataclasses
import json

import pytest

from protocol import auth
from protocol.dialler import Dialler
from protocol.lines import StrangerError, decode, encode
from protocol.messages import Challenge, Hello, Welcome
from protocol.wire import Opening

SECRET = "secret"
FACTS = {"purpose": "serve", "version": "1.2", "host": "alpha", "pid": 7, "started": 70, "epoch": 3,
         "record_version": 5, "role": "backup", "copy": "c1", "generation": "g1", "speaks": 1}
PACE = {"heartbeat_s": 1.0, "silence_s": 3.0, "report_s": 2.0}
OTHERS = {str: "another", int: 99, float: 99.0}


def changed(message, **changes):
    """``message`` as it comes when somebody between the two sides writes ``changes`` into its line; None takes a field
    away."""
    body = {**json.loads(encode(message)), **changes}
    return decode(json.dumps({name: value for name, value in body.items() if value is not None}).encode())


def spoken_to(server_nonce: str = ""):
    """What a listener makes of a Hello, and the side that said it."""
    server_nonce = server_nonce or auth.new_nonce()
    dialling = Dialler(kind="application", name="MS", secret=SECRET, **FACTS)
    return Opening(None, changed(dialling.introduce(Challenge(nonce=server_nonce))), server_nonce), dialling


def altered(opening, **changes):
    return Opening(None, changed(opening.hello, **changes), opening._server_nonce)


def another(message, name):
    value = getattr(message, name)
    return {name: OTHERS[type(value)] if value != OTHERS[type(value)] else value + value}


def names(kind):
    return [field.name for field in dataclasses.fields(kind)]


def test_both_sides_believe_what_came_as_it_was_said():
    opening, dialling = spoken_to()
    assert opening.proves(SECRET)
    assert not opening.proves("guess")
    assert dialling.believe(changed(opening.welcome(SECRET, **PACE))).report_s == 2.0


@pytest.mark.parametrize("name", names(Hello))
def test_a_hello_of_which_anything_was_changed_is_refused(name):
    opening, _ = spoken_to()
    assert not altered(opening, **another(opening.hello, name)).proves(SECRET)


@pytest.mark.parametrize("name", [name for name in names(Hello) if name not in ("kind", "name", "nonce", "proof")])
def test_a_hello_of_which_anything_was_taken_away_is_refused(name):
    opening, _ = spoken_to()
    assert not altered(opening, **{name: None}).proves(SECRET)


def test_what_a_newer_release_says_besides_is_signed_too():
    nonce = auth.new_nonce()
    hello = spoken_to(nonce)[0].hello
    said = {**hello.to_dict(), "signed": "", "of_a_newer_one": "x"}
    said["signed"] = auth.sign_opening(SECRET, auth.DIALS, server_nonce=nonce, client_nonce=hello.nonce, message=said)
    heard = decode(json.dumps(said).encode())
    assert Opening(None, heard, nonce).proves(SECRET)
    assert not Opening(None, decode(json.dumps({**said, "of_a_newer_one": "y"}).encode()), nonce).proves(SECRET)
    assert not altered(spoken_to()[0], of_a_newer_one="x").proves(SECRET)


@pytest.mark.parametrize("name", names(Welcome))
def test_a_welcome_of_which_anything_was_changed_is_not_believed(name):
    opening, dialling = spoken_to()
    welcome = opening.welcome(SECRET, **PACE)
    for changes in (another(welcome, name), {name: None} if name != "proof" else {"proof": ""}):
        with pytest.raises(StrangerError):
            dialling.believe(changed(welcome, **changes))


def former_hello(server_nonce: str, nonce: str) -> Hello:
    """As the releases before this one said it."""
    proof = auth.client_proof(SECRET, server_nonce=server_nonce, client_nonce=nonce, kind="application", name="MS")
    return changed(Hello(kind="application", name="MS", nonce=nonce, proof=proof, **FACTS), signed=None)


def test_a_member_of_a_former_release_is_taken_as_before():
    nonce = auth.new_nonce()
    opening = Opening(None, former_hello(nonce, "n" * 32), nonce)
    assert opening.proves(SECRET)
    assert not opening.proves("guess")
    assert opening.hello.epoch == 3


def test_a_listener_of_a_former_release_is_believed_as_before():
    opening, dialling = spoken_to("s" * 32)
    proof = auth.server_proof(SECRET, server_nonce="s" * 32, client_nonce=opening.hello.nonce)
    assert dialling.believe(changed(Welcome(proof=proof, **PACE), signed=None)).silence_s == 3.0


def test_nobody_in_between_makes_a_former_release_of_a_present_one():
    opening, _ = spoken_to()
    plain = opening.hello.nonce.removeprefix(auth.SIGNS_ALL)
    assert plain != opening.hello.nonce
    for changes in ({"nonce": plain}, {"nonce": plain, "signed": None, "epoch": 4}):
        assert not altered(opening, **changes).proves(SECRET)
    # The listener's nonce was changed on its way to the one that dials, whose proof covers it.
    nonce = auth.new_nonce()
    dialling = Dialler(kind="application", name="MS", secret=SECRET, **FACTS)
    hello = dialling.introduce(Challenge(nonce=nonce.removeprefix(auth.SIGNS_ALL)))
    assert not Opening(None, changed(hello), nonce).proves(SECRET)


def test_the_two_sides_cannot_be_sent_back_what_they_signed():
    said = {"server_nonce": "a", "client_nonce": "b", "message": {"type": "hello"}}
    assert auth.sign_opening(SECRET, auth.DIALS, **said) != auth.sign_opening(SECRET, auth.IS_DIALLED, **said)
