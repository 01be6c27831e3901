"""Every address of the console, asked with every method by nobody and by somebody of each role."""

from contextlib import nullcontext
from urllib.parse import unquote

import pytest

from provisioning.core.permissions import ROLE_VERBS
from tests.provisioning.addresses import ADDRESSES, MACHINE, OPEN, SIGNED_IN, Request
from tests.provisioning.walk import METHODS, NO_ROLE, NOBODY, PEOPLE, forgotten, no_change, patterns

WITHOUT_FORM = ("/login/?next=/logout/", "/login/?next=/account/confirm/")
"""Where nobody gets a form back that was posted without being signed in: there is none, or it has a code in it."""

pytestmark = pytest.mark.django_db
SENTENCE = "Your role does not let you"
SAFE = ("GET", "HEAD")
WORKS = {200, 204, 302, 409, 422, 503}
"""Statuses of an answer that got past permissions: done, asked, or refused because of what was sent or of the moment.
503 is the health check's while control is away."""


def requests(name: str) -> list[Request]:
    """What the table declares for ``name``, and one request of each method that it does not."""
    declared = {request.method for request in ADDRESSES[name]}
    return [*ADDRESSES[name], *(Request(method, "") for method in METHODS if method not in declared)]


def may(who: str, need: str) -> bool:
    return need == SIGNED_IN or need in ROLE_VERBS.get(who, ())


def test_every_address_is_in_the_table():
    assert ADDRESSES.keys() == patterns().keys(), "add the address to tests/provisioning/addresses.py"


@pytest.mark.parametrize("name", sorted(name for name, declared in ADDRESSES.items() if declared))
def test_who_may_do_what(world, name):
    for request in requests(name):
        for address in world.addresses(name, request):
            for who, script in walks(request):
                walk(world, request, address, who, script)
            if request.method == "POST" and request.need not in ("", MACHINE):
                walk_from_another_site(world, request, address)


def walks(request: Request) -> list[tuple[str, bool]]:
    """(who, by a script) of each time that ``request`` is made. A method is refused before anybody looks at roles, and
    what HEAD and scripts of an allowed role get is made as for the others: one of each says it for all."""
    some = (NOBODY, NO_ROLE, PEOPLE[-1])
    if request.need == "" or request.method == "HEAD":
        return [(who, False) for who in some]
    scripts = [who for who in PEOPLE if who in some or not may(who, request.need)]
    return [*((who, False) for who in PEOPLE), *((who, True) for who in scripts)]


def walk(world, request: Request, address: str, who: str, script: bool) -> None:
    is_page = request.need not in ("", OPEN, MACHINE)
    allowed = request.need == OPEN or (is_page and who != NOBODY and may(who, request.need))
    # What is refused of a machine is an event: somebody has to notice it.
    unchanged = nullcontext() if allowed and request.method not in SAFE else no_change(
        but="provisioning_event" if request.need == MACHINE else "")
    with forgotten(), unchanged:
        answer = world.ask(who, request.method, address, world.sent(request), script=script)
    told = f"{request} of {who}{' by a script' if script else ''} at {address}: {answer.status_code}"
    if allowed:
        assert answer.status_code in WORKS, told
        assert not answer.get("Location", "").startswith("/login/") or request.need == SIGNED_IN, told
    elif request.need == MACHINE:
        assert (answer.status_code, answer["Content-Type"][:10]) == (403, "text/plain"), told
    elif who == NOBODY and (is_page or answer.status_code != 405):
        sent_to_sign_in(answer, request, script, told)
    elif request.need == "":
        assert answer.status_code == 405, told
    else:
        assert answer.status_code == 403, told
        says_why(answer, request, script, told)


def walk_from_another_site(world, request: Request, address: str) -> None:
    """Even an Administrator's browser cannot be made to send a form of another site."""
    with forgotten(), no_change():
        answer = world.ask(PEOPLE[-1], "POST", address, world.sent(request), checks_csrf=True)
    assert answer.status_code == 403, request
    assert SENTENCE not in answer.content.decode(), request


def sent_to_sign_in(answer, request: Request, script: bool, told: str) -> None:
    """A page is redirected, a form that was posted is kept in the sign-in page; a script is told that it is signed out,
    and nothing makes it leave its page."""
    if script:
        assert (answer.status_code, answer.content, answer["X-Pairwise-Sign-In"]) == (401, b"", "/login/"), told
        assert "HX-Redirect" not in answer, told
    elif answer.status_code == 401:
        assert request.method == "POST", told
        assert 'name="kept"' in answer.text, told
    else:
        assert (answer.status_code, answer.content) == (302, b""), told
        assert answer["Location"].startswith("/login/?next=/"), told
        assert request.method != "POST" or answer["Location"] in WITHOUT_FORM, told


def says_why(answer, request: Request, script: bool, told: str) -> None:
    if script:
        assert unquote(answer["X-Pairwise-Sentence"]).startswith(SENTENCE), told
    elif request.method != "HEAD":
        assert SENTENCE in answer.content.decode(), told

