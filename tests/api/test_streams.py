"""Whose a stream of a program is, while it is open."""

import asyncio

import pytest
from django.db import OperationalError

from api import stream
from api.stream import TokenReader
from provisioning.accounts.services import tokens
from provisioning.core.signals import signed_out
from provisioning.models import SignInTry

HOME = "192.0.2.10"


@pytest.fixture
def looked(support, monkeypatch):
    """Whether the stream of a program goes on when it looks; the connection of the test stays."""
    closed = []
    monkeypatch.setattr(stream.connections, "close_all", lambda: closed.append(True))
    reader = TokenReader(support.owner.pk, support.token, HOME)

    def look() -> bool:
        closed.clear()
        found = reader._is_signed_in()
        assert closed, "the stream keeps a connection to the database"
        return found

    return look


def test_a_stream_ends_when_its_owner_may_see_nothing_any_more(support, looked):
    assert looked()
    support.owner.groups.clear()
    assert not looked()


def test_streams_of_a_token_that_was_revoked_are_no_attempts_to_get_in(support, looked):
    support.owner.api_tokens.all().delete()
    assert not looked()
    assert not SignInTry.objects.exists()


def test_a_stream_stays_while_the_database_does_not_answer(looked, monkeypatch):
    def fails(*_, **__):
        raise OperationalError("away")

    monkeypatch.setattr(tokens, "verbs_by", fails)
    assert looked()


def test_a_stream_looks_at_once_when_it_is_told_to(monkeypatch):
    asked = []
    monkeypatch.setattr(TokenReader, "_is_signed_in", lambda reader: asked.append(True) or True)
    reader = TokenReader(7, "pw_nothing", HOME)

    async def look():
        return [await reader.has_left(topics) for topics in ((), ("jobs",), (signed_out(7),))]

    assert asyncio.run(look()) == [False, False, False]
    assert len(asked) == 2
