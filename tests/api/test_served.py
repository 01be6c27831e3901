"""The API as a real web process serves it: the stream of changes, and what stands before Django."""

import json
import subprocess
import sys

import pytest
import redis

from console.gate import STRANGER_BODY_MAX
from provisioning.core.signals import STREAM
from tests.waiting import wait_for
from tests.web import ROOT, start_web, web, web_environment

__all__ = ["start_web", "web", "web_environment"]
STREAM_PATH = "/api/v1/stream"
MAKE_TOKEN = """
from django.contrib.auth.models import User
from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.services.tokens import make_token
from provisioning.core.permissions import Actor
user = User.objects.get(username="ada")
actor = Actor(name="ada", user_id=user.pk, roles=frozenset({"Administrator"}))
print(make_token(actor=actor, owner=user, draft=Draft(name="ci", roles=("Administrator",), days=1))[1])
"""


IMPORTS = """
import sys
import console.asgi, console.celery, console.urls, control.server
from django.urls import reverse
reverse("api-reference")
print({name.partition(".")[0] for name in sys.modules} & {"api.handling", "ninja", "pydantic", "pydantic_core"})
"""


def test_no_process_loads_what_the_api_needs_before_somebody_asks_it(web_environment):
    done = subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", IMPORTS], cwd=ROOT,
                          env=web_environment[0], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().splitlines()[-1] == "set()"


@pytest.fixture(scope="module")
def token(web_environment):
    done = subprocess.run([sys.executable, "manage.py", "shell", "-v0", "-c", MAKE_TOKEN], cwd=ROOT,
                          env=web_environment[0], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture
def changes(valkey):
    client = redis.Redis.from_url(valkey, decode_responses=True)
    client.delete(STREAM)
    yield lambda topic: client.xadd(STREAM, {"topic": topic})
    client.close()


def test_a_program_is_told_of_the_topics_that_it_asked_for(web, changes, token):
    headers = {"Authorization": f"Bearer {token}", "Cookie": ""}
    with web.stream(path=STREAM_PATH, query="?topics=jobs,application", headers=headers) as stream:
        assert stream.status == 200
        assert stream.next()["event"] == "ready"
        for topic in ("host:1", "applications", "application:7", "jobs"):
            changes(topic)
        seen = []
        while "jobs" not in seen:
            seen += stream.next()["data"]
        assert seen == ["application:7", "jobs"]


def test_a_stream_ends_when_its_token_is_good_no_more(web, changes, token):
    """It is looked at when its user signs out somewhere, too."""
    with web.stream(path=STREAM_PATH, headers={"Authorization": f"Bearer {token}", "Cookie": ""}) as stream:
        assert stream.next()["event"] == "ready"
    status, _, body = web.ask("GET", STREAM_PATH, headers={"Authorization": "Bearer pw_wrong", "Cookie": ""})
    assert (status, json.loads(body)["title"]) == (401, "Not signed in")
    assert web.ask("POST", STREAM_PATH, headers={"Cookie": ""})[0] == 405


def test_what_is_too_large_is_a_problem_before_anybody_reads_it(web, token):
    large = b'"' + b"x" * STRANGER_BODY_MAX + b'"'
    headers = {"Content-Type": "application/json", "Cookie": ""}
    status, told, body = web.ask("POST", "/api/v1/applications", body=large, headers=headers)
    assert (status, told["Content-Type"]) == (413, "application/problem+json")
    assert json.loads(body)["status"] == 413
    headers["Authorization"] = f"Bearer {token}"
    assert web.ask("POST", "/api/v1/applications", body=large, headers=headers)[0] == 422


def test_what_a_program_reads_has_the_headers_of_every_answer_and_is_the_same_by_a_session(web, token):
    shown = {"Authorization": f"Bearer {token}", "Cookie": ""}
    by_token, by_session = web.get("/api/v1/packages", headers=shown), web.get("/api/v1/packages")
    varies = {"date", "x-request-id", "content-security-policy", "set-cookie"}
    told = [{name.lower(): value for name, value in headers.items() if name.lower() not in varies}
            for _, headers, _ in (by_token, by_session)]
    assert (by_token[0], by_token[2], told[0]) == (by_session[0], by_session[2], told[1])
    assert "default-src" in by_token[1]["Content-Security-Policy"]
    status, told, body = web.ask("HEAD", "/api/v1/packages", headers=shown)
    assert (status, told["Content-Length"], body) == (200, str(len(by_token[2])), b"")
    wrong = web.get("/api/v1/nothing/", headers=shown)
    assert (wrong[0], json.loads(wrong[2])["status"]) == (404, 404)


def test_another_host_is_a_problem(web, token):
    status, told, _ = web.get("/api/v1/applications", headers={"Authorization": f"Bearer {token}", "Host": "evil.test"})
    assert (status, told["Content-Type"]) == (400, "application/problem+json")


def test_many_requests_of_one_program_are_answered_each(web, token):
    headers = {"Authorization": f"Bearer {token}", "Cookie": ""}
    wait_for(lambda: web.get("/api/v1/applications", headers=headers)[0] == 200, 10)
    assert {web.get("/api/v1/status", headers=headers)[0] for _ in range(5)} == {200}
