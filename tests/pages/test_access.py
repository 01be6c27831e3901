"""Every address of the console, asked by nobody and by somebody without a role."""

import uuid

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from provisioning.states import Role
from tests import factories
from tests.pages.conftest import sign_in

pytestmark = pytest.mark.django_db

OPEN = {"login", "display", "healthz", "join-program"}
"""Without a login: the page that signs in, the choice of colours, the health check, the program without a secret."""
BY_SIGNATURE = {"host-package-file", "host-application-secret", "host-application-certificate"}
"""Asked by hosts, which sign instead of signing in."""
BY_TOKEN = {"join-bundle": "get", "join-stage": "post", "join-exchange": "post", "join-state": "get",
            "join-leave": "post"}
"""Asked by machines that join, with a one-time token or, once they have joined, a signature."""
BY_MACHINES = BY_SIGNATURE | BY_TOKEN.keys()
OWN = {"join-program", "home", "logout", "password-change", "login", "display", "stream", "healthz"}
"""What everybody who is signed in may do, role or not: their own account, and hearing that something changed."""
VALUES = {"pk": {"int": 1, "uuid": uuid.UUID(int=1)}, "tab": {"slug": "history"},
          "part": {"slug": "cards"}, "exception": {"int": 1}}


def patterns(resolver=None):
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry)
        elif isinstance(entry, URLPattern):
            yield entry


def addresses():
    resolver, found = get_resolver(), {}
    for entry in patterns():
        arguments = {}
        for name, converter in entry.pattern.converters.items():
            kind = type(converter).__name__.removesuffix("Converter").lower()
            arguments[name] = VALUES[name][kind]
        found[entry.name] = "/" + resolver._reverse_with_prefix(entry.name, "", **arguments).lstrip("/")
    return found


ADDRESSES = addresses()


def test_every_address_has_a_name_and_is_walked():
    assert None not in ADDRESSES
    assert len(ADDRESSES) == len(list(patterns())) > 40


@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "head"])
@pytest.mark.parametrize("name", sorted(set(ADDRESSES) - OPEN - BY_MACHINES))
def test_nobody_is_sent_to_sign_in(client, name, method):
    answer = getattr(client, method)(ADDRESSES[name])
    if name == "logout" and method == "post":
        assert answer.status_code == 302
    elif name == "logout":
        assert answer.status_code in (302, 405)
    else:
        assert answer.status_code == 302
    if answer.status_code == 302:
        assert answer["Location"].startswith("/login/")


@pytest.mark.parametrize("name", sorted(BY_SIGNATURE))
def test_hosts_without_a_signature_get_nothing(client, name):
    assert client.get(ADDRESSES[name]).status_code == 403


@pytest.mark.parametrize("name", sorted(BY_TOKEN))
def test_machines_without_a_token_get_nothing(client, name):
    answer = getattr(client, BY_TOKEN[name])(ADDRESSES[name])
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", sorted(set(ADDRESSES) - OWN - BY_MACHINES))
def test_without_a_role_every_page_is_refused(client, name, method):
    answer = getattr(sign_in(client, ""), method)(ADDRESSES[name])
    assert answer.status_code in (403, 404, 405)
    if answer.status_code == 403:
        assert "Your role does not let you" in answer.content.decode()


@pytest.mark.parametrize("name", sorted(set(ADDRESSES) - OWN - BY_MACHINES))
def test_without_a_role_no_page_shows_an_object(client, name):
    answer = sign_in(client, "").get(ADDRESSES[name])
    assert answer.status_code != 200


CHANGES = {
    Role.OPERATOR: {
        "application-new", "application-check", "application-fill", "application-clone", "application-delete",
        "application-install", "application-certificates", "host-new", "host-edit", "host-delete", "template-import",
        "template-delete", "package-import", "package-delete", "browse-templates-import", "pair-promote",
        "pair-promote-active", "pair-synchronize", "pair-except", "pair-withdraw"},
    Role.SUPPORT: {"pair-switchover", "pair-pause", "pair-resume"},
}
"""What each role is refused besides what the roles above it are: an Operator configures nothing, Support changes
nothing."""
CHANGES[Role.SUPPORT] |= CHANGES[Role.OPERATOR]
SHOWN = {"pair-list", "pair-rows", "pair-paused", "pair-detail", "pair-part", "application-start-files",
         "application-list", "application-edit", "host-list", "host-detail", "template-list", "package-list",
         "job-list", "history", "monitoring", "event-list"}
"""What every role sees."""


@pytest.fixture
def objects(db):
    """What the addresses with key 1 name."""
    factories.make_application("First", id=1, host=factories.make_host(id=1))


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in CHANGES.items() for name in sorted(names)])
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_role_does_more_than_it_may(client, objects, role, name, method):
    answer = getattr(sign_in(client, role), method)(ADDRESSES[name])
    assert answer.status_code in (403, 405)
    if answer.status_code == 403:
        assert "Your role does not let you" in answer.content.decode()


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.OPERATOR, Role.SUPPORT])
@pytest.mark.parametrize("name", sorted(SHOWN))
def test_every_role_sees_every_page(client, objects, broker, role, name):
    assert sign_in(client, role).get(ADDRESSES[name]).status_code == 200
