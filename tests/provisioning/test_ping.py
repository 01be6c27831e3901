"""A host's answer to a ping is no more than that, whatever it sends."""

import base64
import json
import threading

import pytest
import redis

from provisioning.jobs import broker_access
from provisioning.jobs.ping import ASK_AGAIN_S, Pings, worker_answers
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("answer", ["x", "[]", "{}", '{"body": 1, "properties": {}}', b"\xff", "[" * 100_000])
def test_an_answer_that_is_none_disturbs_nothing(broker, settings, answer):
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
    assert worker_answers("evil", 2.0) is False
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
