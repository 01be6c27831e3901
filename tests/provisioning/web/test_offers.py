"""What a page offers to a role: a button that the role may not use is there, off, and says why."""

from html.parser import HTMLParser

import pytest
from django.urls import Resolver404, resolve

from provisioning.states import Role
from tests.provisioning.addresses import ADDRESSES, OPEN
from tests.provisioning.walk import World, forgotten

from .test_access import may

pytestmark = pytest.mark.django_db
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Offers(HTMLParser):
    """(method, address, attributes of what sends it) of everything on a page that asks the console for something."""

    def __init__(self, page: str):
        super().__init__()
        self.found, self._open, self._forms = [], [], {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        here = dict(attributes) | {"tag": tag}
        if tag not in VOID:
            self._open.append(here)
        form = next((entry for entry in reversed(self._open) if entry["tag"] == "form"), None)
        if tag == "form" and here.get("id"):
            self._forms[here["id"]] = here
        form = self._forms.get(here.get("form"), form)
        is_barred = any(entry["tag"] == "fieldset" and "disabled" in entry for entry in self._open)
        if is_barred and tag != "a":
            return
        if tag == "a" and here.get("href", "").startswith("/"):
            self.found.append(("GET", here["href"], here))
        if tag == "button" and here.get("type", "submit") == "submit" and form is not None and "hx-get" not in here:
            method = "POST" if form.get("method") == "post" else "GET"
            self.found.append((method, form.get("action") or "", here))
        for method in ("GET", "POST"):
            if address := here.get(f"hx-{method.lower()}"):
                self.found.append((method, address, here | ({"form": True} if tag == "form" else {})))

    def handle_endtag(self, tag):
        while self._open and tag not in VOID and self._open.pop()["tag"] != tag:
            pass


def needs(method: str, address: str) -> set[str]:
    try:
        name = resolve(address.partition("?")[0].partition("#")[0]).url_name
    except Resolver404:
        return {OPEN}
    if name == "api":
        # tests/api/test_access.py asks for these.
        return {OPEN}
    return {request.need for request in ADDRESSES[name] if request.method == method}


READ = sorted(name for name, requests in ADDRESSES.items()
              if name != "stream"
              and any(request.method == "GET" and request.need == "view" for request in requests))


@pytest.mark.parametrize("role", [Role.OPERATOR, pytest.param(Role.SUPPORT, marks=pytest.mark.long)])
def test_a_page_offers_only_what_the_role_may_do_and_says_why_not(broker, no_control, role):
    world, barred = World(), set()
    for name in READ:
        for request in ADDRESSES[name]:
            if request.method != "GET":
                continue
            for address in world.addresses(name, request):
                with forgotten():
                    page = world.ask(role, "GET", address).content.decode()
                for method, target, attributes in Offers(page).found:
                    if attributes.get("aria-disabled") == "true":
                        assert len(attributes.get("title", "")) > 20, (address, attributes)
                        barred.add(resolve(target.partition("?")[0]).url_name if target else name)
                    elif attributes.get("form") is not True:
                        wanted = needs(method, target or address)
                        assert wanted, (address, method, target)
                        assert any(need == OPEN or may(role, need) for need in wanted), (address, method, target)
    assert {"application-new", "host-new", "host-edit", "template-import", "package-import"} <= barred
