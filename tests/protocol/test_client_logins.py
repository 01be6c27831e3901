"""What entries of [clients] and [client-rights] mean."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messageserver import frames
from protocol import client_logins
from protocol.client_logins import ClientRights, covers, hashed, is_usable, opens, read_rights

SALT = "0123456789abcdef"
PASSCODE = "Tf1-random"


def entry(passcode=PASSCODE, salt=SALT):
    """As docs/message-protocol.md has it made without the console."""
    return f"{{sha256}}{salt}${hashlib.sha256((salt + passcode).encode()).hexdigest()}"


@pytest.mark.parametrize("kept", [PASSCODE, entry(), entry().upper().replace(SALT.upper(), SALT), hashed(PASSCODE),
                                  entry(salt="ab" * 64)])
def test_the_right_passcode_opens_and_no_other(kept):
    assert opens(kept, PASSCODE)
    assert not opens(kept, PASSCODE + "x")
    assert not opens(kept, "")


def test_what_is_kept_is_no_passcode_itself():
    assert not opens(entry(), entry())


@pytest.mark.parametrize("kept", [
    "{sha256}", f"{{sha256}}{SALT}", f"{{sha256}}{SALT}$", f"{{sha256}}{SALT}${'a' * 63}",
    entry(salt="0123456789abcde"), entry(salt="0123456789abcdeg"),
    entry() + "\n", " ".join(entry().split("$")), "{SHA256}x"])
def test_what_is_meant_as_a_hash_and_is_none_opens_for_nobody(kept):
    assert not is_usable(kept)
    assert not any(opens(kept, given) for given in (PASSCODE, kept, ""))


@pytest.mark.parametrize("given", ["", "-", "None", PASSCODE])
def test_nothing_opens_a_login_that_there_is_not(given):
    assert not opens(None, given)


def test_what_only_looks_like_a_hash_is_a_passcode():
    assert opens("{sha512}x", "{sha512}x")


def test_each_passcode_and_each_salt_is_another():
    made = {client_logins.new_passcode() for _ in range(50)}
    assert len(made) == 50
    assert all(len(each) == 32 for each in made)
    assert len({hashed(PASSCODE) for _ in range(50)}) == 50


@given(st.text(), st.text())
def test_a_passcode_opens_what_was_made_of_it_alone(one, other):
    assert opens(hashed(one), other) == (one == other)


@pytest.mark.parametrize(("text", "reads", "sends"), [
    ("read=/topic/orders*, /queue/x; write=/topic/orders.*", ("/topic/orders*", "/queue/x"), ("/topic/orders.*",)),
    ("write=/topic/a", (), ("/topic/a",)), ("read=; write=", (), ()), (" READ = /log/* ;", ("/log/*",), ()),
    ("read=/*;write=/t*,", ("/*",), ("/t*",)), ("read=/server/positions*", ("/server/positions*",), ()),
    ("read=/topic/a=b", ("/topic/a=b",), ())])
def test_an_entry_allows_what_it_names_and_nothing_else(text, reads, sends):
    assert read_rights(text) == ClientRights(reads, sends)


@pytest.mark.parametrize(("text", "words"), [
    ("", "says nothing"), (";", "says nothing"), ("/topic/a", "neither read= nor write="),
    ("read=/topic/a; all=/topic/b", "neither"), ("read=/topic/a; read=/topic/b", "twice"),
    ("read=topic/a", "no destination"), ("read=/topic/*.a", "no destination"), ("read=*", "no destination"),
    ("write=/topics/a", "can be no destination"), ("write=/topic/a;b", "neither"),
    ("read=/x*", "can be no destination"), (f"read=/topic/{'a' * 300}", "no destination"),
    (f"read={'/topic/a,' * 101}", "100 fit")])
def test_an_entry_that_cannot_be_read_is_refused_with_a_sentence(text, words):
    with pytest.raises(ValueError, match=words):
        read_rights(text)


@pytest.mark.parametrize(("allowed", "wanted", "covered"), [
    ("/topic/a*", "/topic/a", True), ("/topic/a*", "/topic/ab", True), ("/topic/a*", "/topic/a.*", True),
    ("/topic/a*", "/topic/a*", True), ("/topic/a*", "/topic/*", False), ("/topic/a", "/topic/a*", False),
    ("/topic/a", "/topic/a", True), ("/topic/a", "/topic/A", False), ("/*", "/log/x", True)])
def test_a_pattern_covers_what_lies_within_it(allowed, wanted, covered):
    assert covers(allowed, wanted) == covered


@pytest.mark.parametrize(("login", "reserved"), [
    ("pairwise.console", True), ("Pairwise.Log.reader", True), ("pairwise.", True), ("pairwise", False),
    ("my.pairwise.x", False)])
def test_names_of_the_consoles_own_logins_are_nobody_elses(login, reserved):
    assert client_logins.is_reserved(login) == reserved


def test_rights_can_name_every_destination_that_a_server_takes():
    assert set(frames.PREFIXES) < set(client_logins.DESTINATIONS)
