"""What a browser keeps of a page, and which answers are compressed."""

import gzip
import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from provisioning.models import HostEnrolment
from provisioning.states import Role
from provisioning.web.privacy import SHOWN_TO
from tests.provisioning.addresses import ADDRESSES, MACHINE
from tests.provisioning.walk import World, forgotten

pytestmark = pytest.mark.django_db
READ = [(name, request) for name, requests in ADDRESSES.items() for request in requests
        if request.method == "GET" and request.need != MACHINE]
POSTED = [(name, request) for name, requests in ADDRESSES.items() for request in requests
          if request.method == "POST" and request.need != MACHINE]
TOKEN = re.compile(rb'name="csrfmiddlewaretoken" value="(\w+)"')


@pytest.fixture
def world(no_broker, control):
    return World()


def browser(world, who=str(Role.ADMINISTRATOR)):
    client = Client(headers={"Accept-Encoding": "gzip, br"})
    client.cookies[settings.SESSION_COOKIE_NAME] = world.sessions[who]
    return client


def plain(answer) -> bytes:
    return gzip.decompress(answer.content) if answer.get("Content-Encoding") == "gzip" else answer.content


@pytest.mark.long
def test_every_answer_says_that_it_is_kept_for_nobody_else_and_none_with_a_token_is_compressed(world):
    token, compressed = HostEnrolment.objects.get().token.encode(), 0
    for name, request in READ:
        for address in world.addresses(name, request):
            with forgotten():
                answer = browser(world).get(address)
            kept = answer["Cache-Control"]
            assert "no-store" in kept or ("private" in kept and "no-cache" in kept), address
            encoded = answer.has_header("Content-Encoding")
            compressed += encoded
            assert not (encoded and (answer.streaming or answer["Content-Type"] != "text/html; charset=utf-8")), address
            if not answer.streaming and token in plain(answer):
                assert "no-store" in kept, address
                assert not encoded, address
    assert compressed > 20


def test_a_page_is_much_smaller_when_it_travels(world):
    answer = browser(world).get(reverse("application-list"))
    assert len(answer.content) * 3 < len(plain(answer))
    assert int(answer["Content-Length"]) == len(answer.content)
    assert "Accept-Encoding" in answer["Vary"]


def test_what_is_secret_in_every_page_differs_each_time_so_that_its_length_tells_nothing(world):
    client = browser(world)
    tokens = {TOKEN.search(plain(client.get(reverse("application-list"))))[1] for _ in range(5)}
    assert len(tokens) == 5


@pytest.mark.long
def test_what_is_shown_once_to_be_copied_is_never_kept(world):
    shown = set()
    for name, request in POSTED:
        for address in world.addresses(name, request):
            with forgotten():
                answer = world.ask(str(Role.ADMINISTRATOR), "POST", address, world.sent(request))
            if not answer.streaming and b"data-copy=" in answer.content:
                shown.add(name)
                assert "no-store" in answer["Cache-Control"], address
    assert shown >= {"user-reset", "application-passcode", "wall-display"}


def test_a_password_that_is_shown_once_is_neither_kept_nor_compressed(world):
    answer = browser(world).post(reverse("user-reset", args=[world.objects["user"]]))
    assert b"one-time-password" in answer.content
    assert "no-store" in answer["Cache-Control"]
    assert not answer.has_header("Content-Encoding")


def test_a_sign_out_has_the_browser_throw_away_what_it_kept(world):
    client = browser(world)
    client.get(reverse("application-list"))
    first = client.cookies[SHOWN_TO].value
    assert first
    assert first not in client.cookies[settings.SESSION_COOKIE_NAME].value
    answer = client.post(reverse("logout"))
    assert answer["Clear-Site-Data"] == '"cache"'
    assert client.cookies[SHOWN_TO].value == ""


def test_pages_name_the_session_that_they_were_made_for(world):
    named = set()
    for who in (str(Role.ADMINISTRATOR), str(Role.OPERATOR)):
        client = browser(world, who)
        answer = client.get(reverse("application-list"))
        named.add(client.cookies[SHOWN_TO].value)
        assert not client.cookies[SHOWN_TO]["httponly"]
        assert "js/back" in plain(answer).decode()
        # It is said once, not with every answer.
        assert SHOWN_TO not in client.get(reverse("application-list")).cookies
    assert len(named) == 2
