"""A host's answer to a ping is no more than that, whatever it sends."""

import base64
import json
import threading

import pytest
import redis

from provisioning.jobs import broker_access
from provisioning.jobs.ping import worker_answers
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
