"""No secret is where it does not belong. What is planted, where it is looked for and how: tests/planted."""

import pytest

from tests.provisioning.walk import PEOPLE

from .places import PLACES, pages_of
from .traces import given_away, traces

pytestmark = pytest.mark.django_db
MAY_HAVE = {
    ("pages", "host-detail as Administrator", "join token"):
        "The line to paste on the machine, for whoever may manage hosts.",
    ("host_api", "secret for its own host", "application secret"):
        "The host writes it beside the server, which proves itself with it.",
    ("mistyped_sign_in", "sign-in with a password as the name", "password typed as a name"):
        "The form gives back to who typed it what was typed.",
    ("database", "provisioning_hostenrolment", "nonce of a token"):
        "A token is derived from it and the secret key, which is not in the database.",
    ("database", "auth_user", "password hash"): "What a password is compared with.",
    ("database", "provisioning_apitoken", "digest of the API token"): "What a token is compared with.",
    **{("database", "django_session", f"session of {who}"): "What a browser's cookie is compared with."
       for who in ("no role", "Operator", "Support", "Administrator")},
}
"""{(place, where, secret): why it is there}."""


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_secret_is_only_where_it_belongs(world):
    found = {}
    for name, texts in PLACES.items():
        for where, text in texts(world):
            for secret in given_away(world.secrets, text):
                found.setdefault((name, where, secret), text)
    for leak in found.keys() - MAY_HAVE.keys():
        trace = next(trace for trace in traces(world.secrets[leak[2]]) if trace in found[leak])
        at = found[leak].index(trace)
        print(leak, found[leak][max(0, at - 200):at + len(trace) + 60])
    assert found.keys() - MAY_HAVE.keys() == set()
    assert MAY_HAVE.keys() - found.keys() == set(), "this is not there any more: take it off the list"


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_page_shows_one_to_anybody_else(world):
    found = {(where, secret) for where, text in pages_of(world, PEOPLE[:-1])
             for secret in given_away(world.secrets, text)}
    assert found == set()
