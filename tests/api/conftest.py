"""What the tests of the API share: somebody with a token, as a client."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from api import authentication, jobs
from api.limiter import Limiter
from provisioning.accounts.rules.tokens import Draft
from provisioning.accounts.services import tokens
from provisioning.accounts.services.tokens import make_token
from provisioning.core.permissions import Actor
from provisioning.states import Role
from tests.factories import make_pair, make_user
from tests.provisioning.conftest import control, no_control, nobody_was_refused
from tests.provisioning.walk import World, forgotten

__all__ = ["control", "no_control", "nobody_was_refused"]


class Program:
    """A program with a token of a user who has these roles; bodies are JSON there and back."""

    def __init__(self, *roles: str, name: str = "robot", read_only: bool = False):
        self.owner = owner = make_user(name, roles=tuple(map(str, roles)))
        actor = Actor(name=name, user_id=owner.pk, roles=frozenset(map(str, roles)))
        draft = Draft(name="ci", roles=tuple(map(str, roles)), read_only=read_only, days=1)
        self.token = make_token(actor=actor, owner=owner, draft=draft)[1]
        self.client = Client()

    def __call__(self, method: str, path: str, body=None, **headers):
        """The answer to a request at ``/api/v1<path>``; ``headers`` with underscores for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(method, f"/api/v1{path}", **sent,
                                   headers={"Authorization": f"Bearer {self.token}", **named})

    def get(self, path: str, **headers):
        return self("GET", path, **headers)


@pytest.fixture
def admin(db):
    return Program(Role.ADMINISTRATOR)


@pytest.fixture
def operator(db):
    return Program(Role.OPERATOR, name="otto")


@pytest.fixture
def support(db):
    return Program(Role.SUPPORT, name="sue")


@pytest.fixture
def pair(db):
    return make_pair()


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """The world, made once: each request takes back what it did, and the end of the module all of it."""
    with django_db_blocker.unblock(), forgotten():
        made = World()
        made.reader = Program(Role.ADMINISTRATOR, name="reader", read_only=True)
        made.reader.get("/health")
        yield made


@pytest.fixture
def world(made, db, broker, no_control, closed_port, monkeypatch):
    """One object of each kind; nobody waits for a job, which nobody does, and no use of a token is noted."""
    monkeypatch.setattr(tokens, "USED_EVERY", timedelta(hours=1))
    monkeypatch.setattr(jobs, "ended", lambda job, wait_s: job)
    monkeypatch.setattr(authentication, "limiter", Limiter(rate=1e9, burst=1e9))
    return made


@pytest.fixture
def reader(world):
    """An administrator's program that changes nothing."""
    return world.reader
