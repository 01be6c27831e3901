"""A host's answer to a ping is no more than that, whatever it sends."""

import base64
import bz2
import contextlib
import json
import threading

import pytest
import redis
from celery.worker.control import Panel

from console.celery import app
from provisioning.broker.worker import access as broker_access
from provisioning.jobs.worker import dispatch
from provisioning.jobs.worker.ping import ANSWER_BYTES_MAX, ASK_AGAIN_S, Pings, worker_answers
from tests import factories

pytestmark = pytest.mark.django_db


def answer_of(body, **headers):
    return json.dumps({"body": base64.b64encode(body).decode(), "content-type": "application/json",
                       "content-encoding": "utf-8", "headers": headers, "properties": {
                           "body_encoding": "base64", "delivery_tag": "1", "delivery_info": {}}})


PONG = json.dumps({"worker@evil": {"ok": "pong"}}).encode()


@pytest.mark.parametrize(("answer", "is_one"), [
    (answer_of(PONG), True), ("x", False), ("[]", False), ("{}", False), ('{"body": 1, "properties": {}}', False),
    (b"\xff", False), ("[" * 100_000, False), (answer_of(b"[]"), False), (answer_of(b"{}"), False),
    (answer_of(bz2.compress(PONG + b" " * 10_000_000), compression="bzip2"), False),
    (answer_of(PONG + b" " * ANSWER_BYTES_MAX), False)])
def test_an_answer_that_is_none_disturbs_nothing(broker, settings, answer, is_one):
    settings.EMBEDDED_REDIS_PASSWORD, settings.REDIS_IS_EMBEDDED = "", False
    host, ready = factories.make_host("evil"), threading.Event()
    url = broker_access.url_for(host, settings.PAIRWISE_REDIS_URL)

    def respond():
        with redis.Redis.from_url(url) as client, client.pubsub() as channel:
            channel.subscribe("/0.control.evil.pidbox")
            for message in channel.listen():
                ready.set()
                if message["type"] == "message":
                    asked = json.loads(base64.b64decode(json.loads(message["data"])["body"]))
                    client.lpush(f"{asked['reply_to']['routing_key']}.{asked['reply_to']['exchange']}", answer)
                    return

    thread = threading.Thread(target=respond)
    thread.start()
    assert ready.wait(10)
    assert worker_answers("evil", 2.0) is is_one
    thread.join(10)
    assert not thread.is_alive()
    broker.acl_deluser(*[name for name in broker.acl_users() if name.startswith("pairwise-")])


class Worker:
    """Answers when it is let go."""

    def __init__(self):
        self.asked, self.entered, self.free = [], threading.Event(), threading.Event()

    def __call__(self, name: str) -> bool:
        self.asked.append(name)
        self.entered.set()
        return self.free.wait(10)


def test_a_host_that_asks_all_the_time_makes_one_wait_and_no_other():
    worker, now = Worker(), 0.0
    pings = Pings(worker, clock=lambda: now)
    first = threading.Thread(target=pings.answers, args=("evil",))
    first.start()
    assert worker.entered.wait(10)
    assert [pings.answers("evil") for _ in range(100)] == [False] * 100
    worker.free.set()
    assert pings.answers("good") is True
    first.join(10)
    assert [pings.answers("evil") for _ in range(100)] == [True] * 100
    assert worker.asked == ["evil", "good"]
    now = ASK_AGAIN_S
    assert pings.answers("evil") is True
    assert worker.asked == ["evil", "good", "evil"]


def test_a_ping_that_fails_is_not_under_way_for_ever():
    def fails(name):
        raise ValueError(name)

    pings = Pings(fails, clock=iter(range(0, 100, 10)).__next__)
    for _ in range(2):
        with pytest.raises(ValueError, match="evil"):
            pings.answers("evil")


def test_a_worker_of_celery_is_heard(broker):
    """By the part of one that answers: what it says is Celery's."""
    ready, over = threading.Event(), threading.Event()

    def work():
        with app.connection_for_read() as connection:
            node = dispatch.mailbox("good", connection).Node("worker@good", handlers=Panel.data,
                                                             channel=connection.default_channel)
            node.listen()
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=0.1)
                # Not before: kombu subscribes at Redis when it waits for the first time.
                ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(10)
        assert worker_answers("good", 5.0) is True
    finally:
        over.set()
        thread.join(10)
    assert not broker.keys("*.reply.*")
