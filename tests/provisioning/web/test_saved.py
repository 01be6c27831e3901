"""What the console says of a form that it took, so that a browser gives up what was typed, and of any other one."""

from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse

from provisioning.hosts.views import hosts
from provisioning.models import Host
from provisioning.web.saved import REFUSED, SAVED, cookie_of
from tests import factories
from tests.provisioning.accounts.test_sign_in_pages import given
from tests.provisioning.posted import script

pytestmark = pytest.mark.django_db
HOST = {"name": "east", "ip_address": "203.0.113.9", "os_type": "Linux", "lca_port": "4999"}
NEW = "/provisioning/environment/hosts/new/"


def told(answer):
    """{name: value} of what an answer says was saved."""
    return {name: cookie.value for name, cookie in answer.cookies.items() if name.startswith(SAVED)}


def test_a_form_that_was_saved_is_named_for_scripts_and_not_for_long(administrator):
    answer = administrator.post(NEW, HOST)
    assert answer.status_code == 302
    [(name, value)] = told(answer).items()
    assert name == f"pairwise_saved_{settings.PORT_OF_BROWSERS}_{quote(NEW, safe='')}" == cookie_of(NEW)
    cookie = answer.cookies[name]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (120, "", "Lax")
    assert cookie["path"] == "/"
    # A script tells one save from the next.
    again = administrator.post(NEW, HOST | {"name": "west", "ip_address": "203.0.113.10"})
    assert told(again)[name] != value


@pytest.mark.parametrize("fault", ["refused", "fault", "elsewhere", "signed out", "password first", "look"])
def test_a_form_that_was_not_saved_is_not_named_whatever_the_answer_is(client, administrator, monkeypatch, fault):
    client, sent, address = administrator, HOST, NEW
    client.raise_request_exception = False
    if fault == "refused":
        sent = HOST | {"ip_address": "no address"}
    elif fault == "fault":
        monkeypatch.setattr(hosts, "_save", lambda *_args: 1 / 0)
    elif fault == "elsewhere":
        monkeypatch.setattr(hosts, "_save", lambda request, *_args: messages.error(request, "No.") or (None, None))
        monkeypatch.setattr(hosts, "_form", lambda *_args, **_more: redirect("home"))
    elif fault == "signed out":
        client.logout()
    elif fault == "password first":
        client = given()[0]
    else:
        address, sent = "/provisioning/environment/applications/new/", {"name": "MS", "step": "look"}
    assert told(client.post(address, sent)) == {}
    assert told(client.get("/")) == {}
    assert not Host.objects.exists()


def test_a_script_is_told_when_a_page_that_comes_is_a_refusal(administrator):
    host = factories.make_host("east")
    factories.make_application("MS", host=host)
    address = reverse("host-delete", args=[host.pk])
    answer = administrator.post(address, headers=script())
    assert (answer.status_code < 300, answer.headers.get(REFUSED)) == (True, "1")
    host = factories.make_host("west")
    answer = administrator.post(reverse("host-delete", args=[host.pk]), headers=script())
    assert (answer.status_code < 300, answer.headers.get(REFUSED), told(answer)) == (True, None, {})
