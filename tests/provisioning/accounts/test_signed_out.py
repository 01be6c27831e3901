"""Who is disabled, may do less, gets another password or signs out has no open stream left: at a real web server."""

import asyncio
import json
import re
import subprocess
import sys
import time
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from provisioning.web import stream as view
from provisioning.web.stream import KEEPALIVE_S, Reader, events
from tests import factories
from tests.web import ROOT, Web

AT_ONCE_S = 5.0
"""Less than a stream waits between two signs of life."""
MAKE = """
import json
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from tests import factories
from provisioning.states import Role
found = {}
for name in %r:
    user = factories.make_user(name, roles=(Role.OPERATOR,), password="a long password of a test")
    client = Client()
    client.force_login(user)
    found[name] = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"
print(json.dumps(found))
"""
BY_COMMAND = {"disabled": ["disable", "disabled"], "degraded": ["roles", "degraded", "--role", "Support"],
              "reset": ["reset", "reset"]}
NAMES = (*BY_COMMAND, "leaving", "changing", "staying")
TOLD = """
import json
from provisioning.models import HistoryEntry
print(json.dumps([[e.user_name, e.origin, e.object_name, e.reason]
                  for e in HistoryEntry.objects.filter(action="sign_in").order_by("number")]))
"""


def shell(environment, code):
    done = subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", code], cwd=ROOT, env=environment,
                          check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def cookies(web_environment):
    """{name: the session cookie} of people of this module."""
    return shell(web_environment[0], MAKE % (NAMES,))


def asked(web, method, path, *, cookie, form=None, headers=None):
    """(status, headers, text) of one request of a browser."""
    status, given, body = web.ask(method, path, body=None if form is None else urlencode(form), timeout=20, headers={
        "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
    return status, given, body.decode()


def posted(web, path, form, *, cookie="", page="", headers=None):
    """Fill in the form of ``page`` and send it."""
    _, given, text = asked(web, "GET", page or path, cookie=cookie, headers=headers)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)[1]
    jar = "; ".join(filter(None, (cookie, *(line.partition(";")[0] for line in given.get_all("Set-Cookie", [])))))
    return asked(web, "POST", path, cookie=jar, form=form | {"csrfmiddlewaretoken": token}, headers=headers)


def ends_at_once(stream, since):
    """The tab is told to ask again, which leads to the sign-in page, and the stream ends."""
    heard = []
    while (event := stream.next()) is not None:
        heard.append(event.get("event", event["data"]))
    assert time.monotonic() - since < AT_ONCE_S < KEEPALIVE_S
    assert heard[-2:] == ["refresh", "end"]
    assert not [topics for topics in heard if "signed-out" in str(topics)], "this is for streams alone"


@pytest.mark.dear
@pytest.mark.parametrize("name", BY_COMMAND)
def test_the_stream_of_who_may_do_less_ends_at_once(web, web_environment, cookies, name):
    with (web.stream(headers={"Cookie": cookies[name]}) as stream,
          web.stream(headers={"Cookie": cookies["staying"]}) as other):
        assert [stream.next()["event"], other.next()["event"]] == ["ready", "ready"]
        subprocess.run([sys.executable, "manage.py", "users", *BY_COMMAND[name]], cwd=ROOT, env=web_environment[0],
                       check=True, capture_output=True, timeout=60)
        ends_at_once(stream, time.monotonic())
        assert other.next()["data"] == ["users"]
    status, headers, _ = web.get("/stream/", headers={"Cookie": cookies[name]})
    assert (status, headers["location"]) == (302, "/login/?next=/stream/")
    assert web.get("/operations/jobs/", headers={"Cookie": cookies[name]})[0] == 302


def test_who_signs_out_has_no_stream_left_in_another_tab(web, cookies):
    with web.stream(headers={"Cookie": cookies["leaving"]}) as stream:
        assert stream.next()["event"] == "ready"
        status, *_ = posted(web, "/logout/", {}, cookie=cookies["leaving"], page="/account/")
        assert status == 302
        ends_at_once(stream, time.monotonic())


def test_another_password_ends_the_streams_of_the_former_one(web, cookies):
    with web.stream(headers={"Cookie": cookies["changing"]}) as stream:
        assert stream.next()["event"] == "ready"
        status, *_ = posted(web, "/account/password/", {
            "old_password": "a long password of a test", "new_password1": "another long password",
            "new_password2": "another long password"}, cookie=cookies["changing"])
        assert status == 302
        ends_at_once(stream, time.monotonic())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gone", [lambda: User.objects.all().delete(), lambda: Session.objects.all().delete()])
async def test_a_stream_that_is_not_told_finds_out_by_itself(monkeypatch, settings, valkey, gone):
    """A user who was deleted in the database, a notice that got lost."""
    from asgiref.sync import sync_to_async

    def signed_in():
        user, client = factories.make_user("otto"), Client()
        client.force_login(user)
        return Reader(user.pk, client.session.session_key)

    monkeypatch.setattr(view, "LOOK_S", 0.0)
    monkeypatch.setattr(view, "KEEPALIVE_S", 0.1)
    settings.PAIRWISE_REDIS_URL = valkey
    stream, heard = events(await sync_to_async(signed_in)(), asyncio.Event()), []
    async for part in stream:
        heard.append(part)
        if len(heard) == 3:
            await sync_to_async(gone)()
    assert b"event: ready" in heard[1]
    assert b"still here" in heard[2]
    assert [part.splitlines()[0] for part in heard[-2:]] == [b"event: refresh", b"event: end"]


# --- where somebody comes from


class Product(Web):
    """The web process as `up` starts it."""

    def __init__(self, environment, cookie, port):
        super().__init__({**environment, "PAIRWISE_PORT": str(port)}, cookie, port)

    @staticmethod
    def command(port) -> list[str]:
        return [sys.executable, "-m", "console.web"]


def attempts(product, name, addresses):
    return [posted(product, "/login/", {"username": name, "password": "wrong"}, headers={"X-Forwarded-For": address})[0]
            for address in addresses]


def test_an_invented_origin_neither_escapes_the_lock_nor_gets_into_history(start_web, web_environment, cookies):
    product = start_web(Product)
    assert attempts(product, "staying", [f"198.51.100.{number}" for number in range(7)]) == [200] * 4 + [429] * 3
    lines = [line for line in shell(web_environment[0], TOLD) if line[2] == "staying"]
    assert {line[1] for line in lines} == {"127.0.0.1"}
    assert [line[3].partition(" until ")[0] for line in lines[-2:]] == ["Locked", "Was not looked at: it is locked"]


def test_behind_a_proxy_that_is_trusted_people_are_told_apart(start_web, web_environment, cookies):
    product = start_web(Product, PAIRWISE_TRUSTED_PROXIES="127.0.0.0/8")
    assert attempts(product, "degraded", ["203.0.113.7"] * 5) == [200] * 4 + [429]
    assert attempts(product, "degraded", ["203.0.113.8"]) == [200]
    lines = [line for line in shell(web_environment[0], TOLD) if line[0] == "not signed in" and line[2] == "degraded"]
    assert [line[1] for line in lines] == ["203.0.113.7", "203.0.113.7", "203.0.113.8"]
