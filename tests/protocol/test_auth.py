from hypothesis import given
from hypothesis import strategies as st

from protocol import auth

BODIES = st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8), max_size=4)


@given(BODIES)
def test_a_signature_holds_whatever_the_order_of_the_keys(body):
    assert auth.verify("secret", dict(reversed(body.items())), auth.sign("secret", body))


@given(BODIES, BODIES)
def test_a_signature_holds_for_its_own_body_only(body, other):
    assert auth.verify("secret", other, auth.sign("secret", body)) == (auth.canonical(body) == auth.canonical(other))


def test_a_signature_of_another_secret_is_refused():
    assert not auth.verify("secret", {"job": "1"}, auth.sign("other", {"job": "1"}))


def test_the_two_directions_prove_different_things():
    nonces = {"server_nonce": "a", "client_nonce": "b"}
    client = auth.client_proof("secret", **nonces, kind="host", name="h")
    assert client != auth.server_proof("secret", **nonces)


def test_moving_a_letter_from_one_part_to_the_next_changes_the_proof():
    one = auth.client_proof("s", server_nonce="a", client_nonce="b", kind="host", name="ab")
    two = auth.client_proof("s", server_nonce="a", client_nonce="b", kind="hosta", name="b")
    assert one != two


def test_a_request_signature_covers_method_path_and_time():
    given = auth.request_signature("s", method="GET", path="/p", at=1)
    assert given != auth.request_signature("s", method="POST", path="/p", at=1)
    assert given != auth.request_signature("s", method="GET", path="/q", at=1)
    assert given != auth.request_signature("s", method="GET", path="/p", at=2)
