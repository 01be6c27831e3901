"""A provider of single sign-on that is broken, or in somebody else's hands: it gets nobody in, holds no thread of web
and breaks no page."""

import time
from itertools import product

import pytest
from django.contrib.auth.models import User
from django.test import Client

from provisioning.accounts.rules import single_sign_on as rules
from provisioning.accounts.selectors import provider_session
from tests.doubles.oidc_provider import SPOILED
from tests.oidc import go, oidc, oidc_process

__all__ = ["oidc", "oidc_process"]
pytestmark = pytest.mark.django_db
ASKED = ("/.well-known/openid-configuration", "/token", "/jwks", "/userinfo")


def come():
    return go(Client(REMOTE_ADDR="198.51.100.7"))


@pytest.fixture
def hurried(settings, monkeypatch):
    settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = 0.3
    monkeypatch.setattr(provider_session, "WITHIN_S", 0.3, raising=False)


@pytest.mark.parametrize(("path", "how"), list(product(ASKED, SPOILED)))
def test_no_answer_of_it_takes_long_is_large_or_leads_elsewhere(oidc, hurried, path, how):
    oidc.person(groups=None, userinfo={"groups": ["pw-ops"]}, spoiled={path: how})
    begun = time.monotonic()
    answer = come()
    assert time.monotonic() - begun < 3
    assert answer.status_code in (403, 502)
    assert not User.objects.exists()
    assert not [each for each in oidc.heard() if each.startswith("/elsewhere")]


@pytest.mark.parametrize("told", [
    {"key": "none"}, {"key": "public"}, {"key": "other"}, {"audience": ["other", "third"]},
    {"claims": {"iss": "https://other.example.com", "sub": "id-of-rita", "preferred_username": "rita"}},
    *({"without": [name]} for name in ("exp", "iat", "aud", "iss", "sub")),
])
def test_a_token_that_is_not_signed_for_us_lets_nobody_in(oidc, told):
    oidc.tell(**{"claims": {"sub": "id-of-rita", "upn": "rita"}, "userinfo": {"groups": ["pw-ops"]}, **told})
    assert come().status_code == 403
    assert not User.objects.exists()


@pytest.mark.parametrize(("times", "status"), [
    ({"iat": 20}, 302), ({"exp": -20}, 302), ({"exp": -3600}, 403), ({"iat": 3600}, 403), ({"nbf": 3600}, 403),
])
def test_clocks_may_differ_by_a_minute_and_not_by_more(oidc, times, status):
    claims = {name: int(time.time()) + off for name, off in times.items()}
    oidc.tell(claims={"sub": "id-of-rita", "preferred_username": "rita", "groups": ["pw-ops"], **claims})
    assert come().status_code == status


ODD = ["", "a\0b", "\ud800", "\u202eatir", "x" * 5000, 1.5, float("inf"), None, {}, ["a\0b"], [["pw-admins"]],
       {"pw-admins": 1}, [None], ["x"] * 5000]


@pytest.mark.sampled
@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("claim", ["sub", "preferred_username", "groups", "exp", "aud"])
def test_whatever_a_claim_is_the_answer_is_a_page(oidc, claim, value):
    oidc.tell(claims={"sub": "id-of-rita", "preferred_username": "rita", "groups": ["pw-ops"], claim: value})
    answer = come()
    assert answer.status_code in (302, 403)
    if claim in ("sub", "exp", "aud", "groups"):
        assert not User.objects.exists()


@pytest.mark.parametrize("name", [*rules.ADDRESSES, "userinfo_endpoint", "end_session_endpoint"])
@pytest.mark.parametrize("value", ["javascript:alert(1)", "ftp://sso.example.com/", "//sso.example.com/", "https://",
                                   "https://[", "http://a\nb/", "/token"])
def test_nobody_and_no_secret_is_sent_to_an_address_that_is_none(name, value):
    issuer = "https://sso.example.com"
    document = dict.fromkeys((*rules.ADDRESSES, "userinfo_endpoint"), f"{issuer}/x") | {"issuer": issuer}
    assert rules.wrong_in_discovery(document, issuer=issuer) == []
    assert not rules.is_address(value, issuer=issuer)
    assert not rules.is_address("http://sso.example.com/", issuer=issuer)
    said = rules.wrong_in_discovery({**document, name: value}, issuer=issuer)
    assert bool(said) is (name != "end_session_endpoint")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://x.example.com/\nSet-Cookie: a=b"])
def test_a_provider_leads_nobody_elsewhere_at_the_end(oidc, address):
    oidc.person(says={"end_session_endpoint": address})
    client = Client(REMOTE_ADDR="198.51.100.7")
    go(client)
    assert client.post("/logout/")["Location"] == "/login/"


@pytest.mark.parametrize(("verified", "name"), [
    ({}, "id"), ({"email_verified": False}, "id"), ({"email_verified": True}, "ada"),
    ({"email_verified": "true"}, "ada"),
])
def test_an_address_of_mail_that_nobody_looked_at_names_nobody(verified, name):
    assert rules.name_in({"sub": "id", "email": "ada", **verified}) == name
