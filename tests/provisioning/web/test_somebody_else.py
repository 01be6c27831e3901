"""Two people change one thing at a time: who saves second is told what the first one saved, whatever form it is."""

import re
from html.parser import HTMLParser

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from provisioning.errors import Conflict
from tests.provisioning.addresses import ADDRESSES, MACHINE, OPEN
from tests.provisioning.walk import World, forgotten

pytestmark = pytest.mark.django_db
SAYS_WHAT_WAS_SEEN = {"revision", "revisions", "seen", "token"}
"""Hidden fields by which a save finds out that what is stored is not what its sender has looked at."""
NOTHING_STORED = {
    "application-clone": "a name for a new object",
    "host-join-ssh": "the port and user of a login that is stored nowhere",
    "pair-bundle": "what a file is to hold",
    "maintenance-new": "the time of a new object",
    "apitoken-new": "what a new object is good for, and how long",
    "service-new": "what a new object is good for, and how long",
    "shipping-again": "the number of the first entry that there ever was",
    "user-token": "what a new object is good for, and how long",
}
"""{form that comes filled in: with what that nobody else can have saved}."""
TYPED = {"text", "number", "time", "date", "datetime-local", "url", "email", "search"}


class Filled(HTMLParser):
    """Of the form of a page that posts to ``address``: the names of its hidden fields, and of what it shows filled
    in."""

    def __init__(self, page: str, address: str):
        super().__init__()
        self._address, self._is_it, self._list = address, False, ""
        self.hidden, self.filled = set(), set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            goes_to = (attrs.get("hx-post") or attrs.get("action") or self._address).partition("?")[0]
            self._is_it = attrs.get("method") == "post" and goes_to == self._address
        elif not self._is_it:
            return
        elif tag == "select":
            self._list = attrs["name"]
        elif tag == "option" and "selected" in attrs and attrs.get("value"):
            self.filled.add(self._list)
        elif tag == "input":
            self._input(attrs, attrs.get("type", "text"))

    def _input(self, attrs, kind):
        if kind == "hidden":
            self.hidden.add(attrs["name"])
        elif "name" in attrs and ("checked" in attrs or (kind in TYPED and attrs.get("value"))):
            self.filled.add(attrs["name"])

    def handle_endtag(self, tag):
        if tag == "form":
            self._is_it = False


def forms():
    """(name, what is filled in, hidden fields) of every form that has an address of its own, as an Administrator is
    shown it."""
    world = World()
    for name, requests in ADDRESSES.items():
        posts = [request for request in requests if request.method == "POST"]
        shown = [request for request in requests if request.method == "GET" and request.need not in (OPEN, MACHINE)]
        if not posts or not shown:
            continue
        for address in world.addresses(name, shown[0])[:1]:
            with forgotten():
                page = world.ask("Administrator", "GET", address).text
            found = Filled(page, address)
            yield name, found.filled, found.hidden


@pytest.mark.long
def test_a_form_that_shows_what_is_stored_says_what_its_sender_has_seen(broker, no_control):
    found = {name: (filled, hidden) for name, filled, hidden in forms() if filled}
    assert {"application-edit", "host-edit", "user-roles", "pair-drill-schedule", "application-install"} <= found.keys()
    silent = {name for name, (_, hidden) in found.items() if not hidden & SAYS_WHAT_WAS_SEEN}
    assert silent == NOTHING_STORED.keys()


@pytest.mark.parametrize("conflict", [
    Conflict("ada saved MS while you were editing it.", revision=2, saved_by="ada", saved_at=timezone.now(),
             differences=()),
    Conflict("Somebody else saved MS while you were editing it.", revision=2, saved_by="", saved_at=None,
             differences=())])
def test_the_box_says_once_who_saved_and_when_if_that_is_known(conflict):
    box = render_to_string("web/_conflict.html", {"conflict": conflict, "noun": "host", "take": "/"})
    text = " ".join(re.sub("<[^>]*>", " ", box).split())
    assert text.startswith(f"{conflict.saved_by or 'Somebody else'} saved this host in the meantime")
    assert text.count(" saved ") == 1
    assert ("That was" in text) == (conflict.saved_at is not None)
    assert "never" not in text
