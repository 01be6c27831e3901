from dataclasses import asdict, dataclass, replace

from hypothesis import assume, given
from hypothesis import strategies as st

from protocol import auth
from protocol.jobs import sign_job, sign_report

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
BODIES = st.dictionaries(TEXT, st.integers() | TEXT, max_size=4)


@dataclass(frozen=True)
class Said:
    """All that a signature is for."""

    purpose: str
    host: str
    method: str
    path: str
    at: str
    body: bytes

    def signed(self, secret="secret"):
        return auth.sign(secret, **asdict(self))


FIELDS = {"purpose": st.sampled_from([auth.REQUEST, auth.JOB, auth.REPORT]), "host": TEXT,
          "method": st.sampled_from(["GET", "HEAD", "POST", "send"]) | TEXT, "path": TEXT,
          "at": st.integers(0, 2**40).map(str), "body": st.binary(max_size=8)}
SAID = st.builds(Said, **FIELDS)


@given(SAID, SAID)
def test_a_signature_is_good_for_what_was_signed_and_for_nothing_else(one, other):
    assert auth.same(one.signed(), other.signed()) == (one == other)


@given(SAID, st.sampled_from(sorted(FIELDS)), st.data())
def test_a_signature_covers_each_single_part(said, part, data):
    changed = replace(said, **{part: data.draw(FIELDS[part])})
    assume(changed != said)
    assert not auth.same(said.signed(), changed.signed())


@given(SAID, st.permutations(["host", "method", "path"]), st.integers(1, 3))
def test_letters_moved_from_one_part_to_another_change_the_signature(said, parts, count):
    source, target, _ = parts
    assume(getattr(said, source))
    moved = replace(said, **{source: getattr(said, source)[:-count],
                             target: getattr(said, source)[-count:] + getattr(said, target)})
    assert not auth.same(said.signed(), moved.signed())


@given(SAID)
def test_a_signature_of_another_secret_is_refused(said):
    assert not auth.same(said.signed(), said.signed("other"))


@given(BODIES)
def test_the_signature_of_a_message_holds_whatever_the_order_of_its_keys(body):
    turned = dict(reversed(body.items()))
    assert sign_job("secret", turned) == sign_job("secret", body)
    assert sign_report("secret", turned) == sign_report("secret", body)


@given(BODIES, BODIES)
def test_the_signature_of_a_message_is_good_for_that_message_alone(body, other):
    same = auth.canonical(body) == auth.canonical(other)
    assert (sign_job("secret", body) == sign_job("secret", other)) == same
    assert (sign_report("secret", body) == sign_report("secret", other)) == same


@given(BODIES, st.sampled_from(["GET", "POST"]), TEXT)
def test_what_was_signed_as_a_job_is_no_report_and_no_request(body, method, path):
    request = auth.request_headers("secret", host=str(body.get("host")), method=method, path=path, at=1,
                                   body=auth.canonical(body).encode())["X-Pairwise-Signature"]
    assert len({sign_job("secret", body), sign_report("secret", body), request}) == 3


def test_what_cannot_be_encoded_is_refused_like_anything_else():
    """Lone surrogates come out of JSON."""
    assert not auth.same(sign_report("secret", {"host": "\ud800", "text": "\udfff"}), "\ud800")


def test_the_two_directions_prove_different_things():
    nonces = {"server_nonce": "a", "client_nonce": "b"}
    client = auth.client_proof("secret", **nonces, kind="host", name="h")
    assert client != auth.server_proof("secret", **nonces)


def test_moving_a_letter_from_one_part_to_the_next_changes_the_proof():
    one = auth.client_proof("s", server_nonce="a", client_nonce="b", kind="host", name="ab")
    two = auth.client_proof("s", server_nonce="a", client_nonce="b", kind="hosta", name="b")
    assert one != two
